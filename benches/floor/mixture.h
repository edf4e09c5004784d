/* i: the mixture and its gradient by the weights, means and factors, for one element type as in kernels.h.

   Points are lanes, some vectors of them at a time. z = L (x - mu) of all components stays in the cache from the
   forward part of a block to its backward part; what is summed over points keeps its lanes to the end. The
   parameters and the gradient lie one after the other: k logits, k times d means, k times d logarithms of the
   diagonals, and what is below these, row by row. */

#define LANES (64 / (long)sizeof(REAL))
#define VECTORS 8
#define BLOCK (VECTORS * LANES)
typedef REAL NAME(vector) __attribute__((vector_size(64), aligned(64)));

/* z and half its square for a block of points, row by row of L, two rows at a time. */
static void NAME(whiten)(long d, const REAL *L, const REAL *c, REAL base, const NAME(vector) *x, NAME(vector) *z,
                         NAME(vector) *s) {
    NAME(vector) square[VECTORS] = {0};
    for (long i = 0; i < d; i += 2) {
        long last = i + 1 < d ? i + 1 : i;
        NAME(vector) r[VECTORS], q[VECTORS];
        for (int v = 0; v < VECTORS; v++) r[v] = (NAME(vector)){0} - c[i], q[v] = (NAME(vector)){0} - c[last];
        for (long j = 0; j <= i; j++)
            for (int v = 0; v < VECTORS; v++) {
                r[v] += L[i * d + j] * x[j * VECTORS + v];
                q[v] += L[last * d + j] * x[j * VECTORS + v];
            }
        for (int v = 0; v < VECTORS; v++) {
            z[i * VECTORS + v] = r[v];
            square[v] += r[v] * r[v];
            if (last == i) continue;
            q[v] += L[last * d + last] * x[last * VECTORS + v];
            z[last * VECTORS + v] = q[v];
            square[v] += q[v] * q[v];
        }
    }
    for (int v = 0; v < VECTORS; v++) s[v] = base - (REAL)0.5 * square[v];
}

/* Adds w, w z and the lower triangle of w z x^T. */
static void NAME(gather)(long d, const NAME(vector) *w, const NAME(vector) *z, const NAME(vector) *x,
                         NAME(vector) *weight, NAME(vector) *mean, NAME(vector) *factor) {
    for (int v = 0; v < VECTORS; v++) *weight += w[v];
    for (long i = 0; i < d; i++) {
        NAME(vector) wz[VECTORS];
        for (int v = 0; v < VECTORS; v++) wz[v] = w[v] * z[i * VECTORS + v], mean[i] += wz[v];
        for (long j = 0; j <= i; j++, factor++) {
            NAME(vector) even = *factor, odd = {0};
            for (int v = 0; v < VECTORS; v += 2) {
                even += wz[v] * x[j * VECTORS + v];
                odd += wz[v + 1] * x[j * VECTORS + v + 1];
            }
            *factor = even + odd;
        }
    }
}

/* Turns the logits s of a block into weights, and gives the sum of their logarithms' sums. */
static REAL NAME(weigh)(long k, long count, REAL *s) {
    REAL most[BLOCK], sum[BLOCK], total = 0;
    for (long p = 0; p < BLOCK; p++) most[p] = s[p], sum[p] = 0;
    for (long a = 1; a < k; a++)
        for (long p = 0; p < BLOCK; p++) most[p] = s[a * BLOCK + p] > most[p] ? s[a * BLOCK + p] : most[p];
    for (long a = 0; a < k; a++)
        for (long p = 0; p < BLOCK; p++) sum[p] += s[a * BLOCK + p] = F(exp)(s[a * BLOCK + p] - most[p]);
    for (long p = 0; p < count; p++) total += most[p] + F(log)(sum[p]);
    for (long p = 0; p < BLOCK; p++) sum[p] = p < count ? 1 / sum[p] : 0;
    for (long a = 0; a < k; a++)
        for (long p = 0; p < BLOCK; p++) s[a * BLOCK + p] *= sum[p];
    return total;
}

static REAL NAME(lanes)(NAME(vector) v) {
    REAL sum = 0;
    for (int l = 0; l < LANES; l++) sum += v[l];
    return sum;
}

REAL NAME(mixture)(const long *sizes, const REAL *x, const REAL *parameters, REAL *g) {
    typedef NAME(vector) V;
    const long n = sizes[0], d = sizes[1], k = sizes[2], below = d * (d - 1) / 2, all = below + d;
    const REAL *alpha = parameters, *mu = alpha + k, *q = mu + k * d, *l = q + k * d;
    REAL *by_mu = g + k, *by_q = by_mu + k * d, *by_l = by_q + k * d;
    /* Room from one call to the next. */
    static V *room;
    static long length;
    long sums = k * (all + d + 1), block = (k * d + d + k) * VECTORS, small = (k * d * d + k * d + k) / LANES + 1;
    if (length < sums + block + small) {
        free(room);
        room = aligned_alloc(64, (length = sums + block + small) * sizeof(V));
    }
    V *factor = room, *mean = factor + k * all, *weight = mean + k * d;
    V *z = room + sums, *turned = z + k * d * VECTORS, *s = turned + d * VECTORS;
    REAL *L = (REAL *)(room + sums + block), *c = L + k * d * d, *base = c + k * d;
    memset(room, 0, sums * sizeof(V));

    REAL most = alpha[0], sum = 0, total = 0;
    for (long a = 0; a < k; a++) most = alpha[a] > most ? alpha[a] : most;
    for (long a = 0; a < k; a++) sum += F(exp)(alpha[a] - most);
    const REAL lse = most + F(log)(sum);
    for (long a = 0; a < k; a++) {
        base[a] = alpha[a];
        for (long i = 0; i < d; i++) {
            REAL *row = L + (a * d + i) * d, at = 0;
            memcpy(row, l + a * below + i * (i - 1) / 2, i * sizeof(REAL));
            row[i] = F(exp)(q[a * d + i]);
            for (long j = 0; j <= i; j++) at += row[j] * mu[a * d + j], total += (REAL)0.5 * row[j] * row[j];
            c[a * d + i] = at;
            base[a] += q[a * d + i];
            total -= q[a * d + i];
        }
    }
    total -= n * lse;
    for (long from = 0; from < n; from += BLOCK) {
        long count = n - from < BLOCK ? n - from : BLOCK;
        for (long p = 0; p < BLOCK; p++)
            for (long j = 0; j < d; j++) ((REAL *)turned)[j * BLOCK + p] = p < count ? x[(from + p) * d + j] : 0;
        for (long a = 0; a < k; a++)
            NAME(whiten)(d, L + a * d * d, c + a * d, base[a], turned, z + a * d * VECTORS, s + a * VECTORS);
        total += NAME(weigh)(k, count, (REAL *)s);
        for (long a = 0; a < k; a++)
            NAME(gather)(d, s + a * VECTORS, z + a * d * VECTORS, turned, weight + a, mean + a * d, factor + a * all);
    }
    for (long a = 0; a < k; a++) {
        REAL w = NAME(lanes)(weight[a]);
        g[a] = w - n * F(exp)(alpha[a] - lse);
        memset(by_mu + a * d, 0, d * sizeof(REAL));
        for (long i = 0; i < d; i++) {
            const REAL *row = L + (a * d + i) * d, by_c = NAME(lanes)(mean[a * d + i]);
            for (long j = 0; j <= i; j++) {
                REAL by_row = by_c * mu[a * d + j] - NAME(lanes)(factor[a * all + i * (i + 1) / 2 + j]) + row[j];
                by_mu[a * d + j] += by_c * row[j];
                if (j < i) by_l[a * below + i * (i - 1) / 2 + j] = by_row;
                else by_q[a * d + i] = w - 1 + by_row * row[i];
            }
        }
    }
    return total;
}

#undef LANES
#undef VECTORS
#undef BLOCK
