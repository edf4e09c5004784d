/* The kernels for one element type: REAL, its functions' ending F, and NAME(x) for the symbols. */

/* a: mean of softplus(z) - y z with z = X w, and its gradient; eight rows at a time, so that X is read
   once. */
REAL NAME(logistic)(long rows, long columns, const REAL *X, const REAL *y, const REAL *w, REAL *g) {
    REAL total = 0;
    memset(g, 0, columns * sizeof(REAL));
#pragma omp parallel for reduction(+ : total, g[:columns]) schedule(static) if (rows > 4000)
    for (long block = 0; block < rows; block += 8) {
        long count = rows - block < 8 ? rows - block : 8;
        REAL slope[8];
        for (long r = 0; r < count; r++) {
            const REAL *x = X + (block + r) * columns;
            REAL z = 0;
            for (long j = 0; j < columns; j++) z += x[j] * w[j];
            slope[r] = z;
        }
        for (long r = 0; r < count; r++) {
            REAL z = slope[r], e = F(exp)(z < 0 ? z : -z);
            total += (z > 0 ? z : 0) + F(log)(1 + e) - y[block + r] * z;
            slope[r] = ((z < 0 ? e : 1) / (1 + e) - y[block + r]) / rows;
        }
        for (long j = 0; j < columns; j++) {
            REAL sum = g[j];
            for (long r = 0; r < count; r++) sum += slope[r] * X[(block + r) * columns + j];
            g[j] = sum;
        }
    }
    return total / rows;
}

/* b: each entry of the gradient from its two neighbours. Threads cost too much for short vectors. */
static REAL NAME(rosenbrock_part)(long from, long to, const REAL *restrict x, REAL *restrict g) {
    REAL total = 0;
#pragma omp simd reduction(+ : total)
    for (long i = from; i < to; i++) {
        REAL before = x[i] - x[i - 1] * x[i - 1], after = x[i + 1] - x[i] * x[i], one = 1 - x[i];
        total += 100 * after * after + one * one;
        g[i] = 200 * before - 400 * x[i] * after - 2 * one;
    }
    return total;
}

REAL NAME(rosenbrock)(long n, const REAL *restrict x, REAL *restrict g) {
    REAL d = x[1] - x[0] * x[0], total = 100 * d * d + (1 - x[0]) * (1 - x[0]);
    g[0] = -400 * x[0] * d - 2 * (1 - x[0]);
    if (n < 20000) total += NAME(rosenbrock_part)(1, n - 1, x, g);
    else {
#pragma omp parallel for reduction(+ : total) schedule(static)
        for (long i = 1; i < n - 1; i += 8192)
            total += NAME(rosenbrock_part)(i, i + 8192 < n - 1 ? i + 8192 : n - 1, x, g);
    }
    g[n - 1] = 200 * (x[n - 1] - x[n - 2] * x[n - 2]);
    return total;
}

/* b: the tridiagonal Hessian times a vector. */
static void NAME(product_part)(long from, long to, const REAL *restrict x, const REAL *restrict v, REAL *restrict h) {
#pragma omp simd
    for (long i = from; i < to; i++)
        h[i] = -400 * x[i - 1] * v[i - 1] + (1200 * x[i] * x[i] - 400 * x[i + 1] + 202) * v[i] -
               400 * x[i] * v[i + 1];
}

void NAME(rosenbrock_product)(long n, const REAL *restrict x, const REAL *restrict v, REAL *restrict h) {
    h[0] = (1200 * x[0] * x[0] - 400 * x[1] + 2) * v[0] - 400 * x[0] * v[1];
    if (n < 20000) NAME(product_part)(1, n - 1, x, v, h);
    else {
#pragma omp parallel for schedule(static)
        for (long i = 1; i < n - 1; i += 8192)
            NAME(product_part)(i, i + 8192 < n - 1 ? i + 8192 : n - 1, x, v, h);
    }
    h[n - 1] = 200 * v[n - 1] - 400 * x[n - 2] * v[n - 2];
}

/* c: one pass, every function evaluated once. */
REAL NAME(chain)(long n, const REAL *restrict x, REAL *restrict g) {
    REAL total = 0;
#pragma omp parallel for simd reduction(+ : total) schedule(static) if (n > 20000)
    for (long i = 0; i < n; i++) {
        REAL a = x[i], q = a * a, t = F(tanh)(a), e = F(exp)(-q), l = F(log)(1 + q);
        REAL s = F(sin)(a), c = F(cos)(a);
        total += t * e + l * s;
        g[i] = (1 - t * t) * e - 2 * a * t * e + 2 * a / (1 + q) * s + l * c;
    }
    return total;
}

/* h: the fifteen columns of both rows, one observation in each lane. */
void NAME(reprojection)(long n, const REAL *restrict P, const REAL *restrict Q, REAL *restrict J) {
#pragma omp parallel for simd schedule(static)
    for (long i = 0; i < n; i++) {
#define P(k) P[(k)*n + i]
        REAL r0 = P(0), r1 = P(1), r2 = P(2), f = P(6), k1 = P(9), k2 = P(10), w = P(14);
        REAL X = P(11) - P(3), Y = P(12) - P(4), Z = P(13) - P(5);
        REAL angle = F(sqrt)(r0 * r0 + r1 * r1 + r2 * r2), inverse = 1 / angle;
        REAL s = F(sin)(angle), c = F(cos)(angle), o = 1 - c;
        REAL a0 = r0 * inverse, a1 = r1 * inverse, a2 = r2 * inverse;
        REAL m0 = a1 * Z - a2 * Y, m1 = a2 * X - a0 * Z, m2 = a0 * Y - a1 * X;
        REAL d = a0 * X + a1 * Y + a2 * Z, t = d * o;
        REAL x = X * c + m0 * s + a0 * t, y = Y * c + m1 * s + a1 * t, z = Z * c + m2 * s + a2 * t;
        REAL iz = 1 / z, u = x * iz, v = y * iz, q = u * u + v * v;
        REAL L = 1 + k1 * q + k2 * q * q, slope = k1 + 2 * k2 * q;
        for (int row = 0; row < 2; row++) {
            REAL *j = J + (long)row * 15 * n + i, p = row ? v : u;
            /* by u and v, by the turned point, by the axis, the angle and the point */
            REAL bu = w * f * (2 * u * slope * p + (row ? 0 : L)), bv = w * f * (2 * v * slope * p + (row ? L : 0));
            REAL bx = bu * iz, by = bv * iz, bz = -(bx * u + by * v);
            REAL bd = o * (a0 * bx + a1 * by + a2 * bz);
            REAL bo = d * (a0 * bx + a1 * by + a2 * bz);
            REAL bs = m0 * bx + m1 * by + m2 * bz, bc = X * bx + Y * by + Z * bz - bo;
            REAL cx = s * bx, cy = s * by, cz = s * bz;
            REAL e0 = t * bx + Y * cz - Z * cy + X * bd, e1 = t * by + Z * cx - X * cz + Y * bd;
            REAL e2 = t * bz + X * cy - Y * cx + Z * bd;
            REAL gX = c * bx + a2 * cy - a1 * cz + a0 * bd, gY = c * by + a0 * cz - a2 * cx + a1 * bd;
            REAL gZ = c * bz + a1 * cx - a0 * cy + a2 * bd;
            REAL turn = c * bs - s * bc - inverse * (a0 * e0 + a1 * e1 + a2 * e2);
            j[0] = inverse * e0 + a0 * turn, j[n] = inverse * e1 + a1 * turn, j[2 * n] = inverse * e2 + a2 * turn;
            j[3 * n] = -gX, j[4 * n] = -gY, j[5 * n] = -gZ;
            j[6 * n] = w * p * L, j[7 * n] = row ? 0 : w, j[8 * n] = row ? w : 0;
            j[9 * n] = w * f * p * q, j[10 * n] = w * f * p * q * q;
            j[11 * n] = gX, j[12 * n] = gY, j[13 * n] = gZ;
            j[14 * n] = p * L * f + P(7 + row) - Q[row * n + i];
        }
#undef P
    }
}

/* k: four lanes. */
REAL NAME(graph)(const REAL *restrict x, REAL *restrict g) {
    REAL y[5][4], s[4][4], c[4][4], total = 0, b[4];
    for (int i = 0; i < 4; i++) y[0][i] = x[i];
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < 4; i++) {
            s[k][i] = F(sin)(y[k][i]), c[k][i] = F(cos)(y[k][i]);
            y[k + 1][i] = s[k][i] * x[i] + (REAL)0.5 * y[k][i];
        }
    for (int i = 0; i < 4; i++) {
        REAL t = F(tanh)(y[4][i]);
        total += t * t + x[i], b[i] = 2 * t * (1 - t * t), g[i] = 1;
    }
    for (int k = 3; k >= 0; k--)
        for (int i = 0; i < 4; i++) g[i] += b[i] * s[k][i], b[i] *= c[k][i] * x[i] + (REAL)0.5;
    for (int i = 0; i < 4; i++) g[i] += b[i];
    return total;
}

/* Eight numbers; a row of a matrix of 16 by 16 is two of them. */
typedef REAL NAME(eight) __attribute__((vector_size(8 * sizeof(REAL)), aligned(sizeof(REAL))));
#define V NAME(eight)
#define AT(pointer) (*(V *)(pointer))

/* y = b + Mᵀ x. */
static inline __attribute__((always_inline)) void NAME(affine)(const REAL *M, const REAL *x, const REAL *b, REAL *y) {
    V low = AT(b), high = AT(b + 8), low2 = low - low, high2 = low2;
    for (int j = 0; j < 16; j += 2) {
        low += AT(M + j * 16) * x[j], high += AT(M + j * 16 + 8) * x[j];
        low2 += AT(M + j * 16 + 16) * x[j + 1], high2 += AT(M + j * 16 + 24) * x[j + 1];
    }
    AT(y) = low + low2, AT(y + 8) = high + high2;
}

/* G = Aᵀ B for matrices of `steps` by 16. */
static void NAME(outer)(long steps, const REAL *A, const REAL *B, REAL *G) {
    for (int half = 0; half < 16; half += 8) {
        V low[8], high[8];
        for (int i = 0; i < 8; i++) low[i] = high[i] = AT(A) - AT(A);
        for (long t = 0; t < steps; t++) {
            V b0 = AT(B + t * 16), b1 = AT(B + t * 16 + 8);
#pragma GCC unroll 8
            for (int i = 0; i < 8; i++) low[i] += A[t * 16 + half + i] * b0, high[i] += A[t * 16 + half + i] * b1;
        }
        for (int i = 0; i < 8; i++) AT(G + (half + i) * 16) = low[i], AT(G + (half + i) * 16 + 8) = high[i];
    }
}

static void NAME(transposed)(const REAL *M, REAL *T) {
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16; j++) T[j * 16 + i] = M[i * 16 + j];
}

/* l: what needs no loop is a product before or after it. */
REAL NAME(recurrent)(const REAL *W, const REAL *U, const REAL *b, const REAL *x, const REAL *h0, REAL *g) {
    enum { STEPS = 1000 };
    static REAL h[(STEPS + 1) * 16], driven[STEPS * 16], d[STEPS * 16];
    REAL T[256], zero[16] = {0}, back[16] = {0}, total = 0, sum[16] = {0};
    NAME(transposed)(U, T);
    for (long t = 0; t < STEPS; t++) NAME(affine)(T, x + t * 16, b, driven + t * 16);
    NAME(transposed)(W, T);
    memcpy(h, h0, sizeof zero);
    for (long t = 0; t < STEPS; t++) {
        REAL *next = h + t * 16 + 16;
        NAME(affine)(T, h + t * 16, driven + t * 16, next);
        for (int i = 0; i < 16; i++) next[i] = F(tanh)(next[i]);
        for (int i = 0; i < 16; i++) sum[i] += next[i] * next[i];
    }
    for (int i = 0; i < 16; i++) total += sum[i];
    memset(sum, 0, sizeof sum);
    for (long t = STEPS - 1; t >= 0; t--) {
        const REAL *y = h + t * 16 + 16;
        for (int i = 0; i < 16; i++) {
            d[t * 16 + i] = (back[i] + (REAL)2e-3 * y[i]) * (1 - y[i] * y[i]);
            sum[i] += d[t * 16 + i];
        }
        NAME(affine)(W, d + t * 16, zero, back);
    }
    NAME(outer)(STEPS, d, h, g);
    NAME(outer)(STEPS, d, x, g + 256);
    memcpy(g + 512, sum, sizeof sum);
    return total / STEPS;
}

/* l: the stages' states and slopes are kept; the gradient is one product of all of them. */
REAL NAME(runge_kutta)(const REAL *W, const REAL *b, const REAL *y0, REAL *g) {
    enum { STEPS = 1000 };
    static REAL at[4 * STEPS * 16], slope[4 * STEPS * 16], d[4 * STEPS * 16];
    const REAL H = (REAL)0.01, part[4] = {0, H / 2, H / 2, H}, weight[4] = {H / 6, H / 3, H / 3, H / 6};
    REAL T[256], y[16], k[16], total = 0, back[16], sum[16] = {0}, zero[16] = {0};
    NAME(transposed)(W, T);
    memcpy(y, y0, sizeof y);
    for (long t = 0; t < STEPS; t++) {
        REAL next[16];
        memcpy(next, y, sizeof y);
        for (int stage = 0; stage < 4; stage++) {
            REAL *x = at + (4 * t + stage) * 16, *s = slope + (4 * t + stage) * 16;
            for (int i = 0; i < 16; i++) x[i] = stage ? y[i] + part[stage] * k[i] : y[i];
            NAME(affine)(T, x, b, s);
            for (int i = 0; i < 16; i++) s[i] = F(tanh)(s[i]);
            for (int i = 0; i < 16; i++) k[i] = s[i] - x[i], next[i] += weight[stage] * k[i];
        }
        memcpy(y, next, sizeof y);
    }
    for (int i = 0; i < 16; i++) total += y[i] * y[i], back[i] = 2 * y[i];
    for (long t = STEPS - 1; t >= 0; t--) {
        REAL before[16], through[16] = {0};
        memcpy(before, back, sizeof back);
        for (int stage = 3; stage >= 0; stage--) {
            REAL *s = slope + (4 * t + stage) * 16, *e = d + (4 * t + stage) * 16, by_k[16];
            REAL later = stage < 3 ? part[stage + 1] : 0;
            for (int i = 0; i < 16; i++) {
                by_k[i] = weight[stage] * back[i] + later * through[i];
                e[i] = by_k[i] * (1 - s[i] * s[i]);
                sum[i] += e[i];
            }
            NAME(affine)(W, e, zero, through);
            for (int i = 0; i < 16; i++) through[i] -= by_k[i], before[i] += through[i];
        }
        memcpy(back, before, sizeof back);
    }
    NAME(outer)(4 * STEPS, d, at, g);
    memcpy(g + 256, sum, sizeof sum);
    return total;
}

#undef V
#undef AT
