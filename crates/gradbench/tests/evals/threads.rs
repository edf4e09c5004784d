//! The same bits on any number of threads, for inputs that are large enough to be shared.

use super::evaluate;
use gradbench::workloads;
use riesz_cpu::run::set_threads;

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let inputs = [
        ("gmm", "jacobian", workloads::gmm(16, 25, 1000)),
        ("ba", "jacobian", workloads::ba(11, 900, 5000)),
        ("ht", "jacobian", workloads::ht(1600, 2000, false)),
        ("lstm", "jacobian", workloads::lstm(2, 512)),
        ("kmeans", "dir", workloads::kmeans(20, 5000, 8)),
        ("lse", "gradient", workloads::lse(100_000)),
        ("llsq", "gradient", workloads::llsq(16_000, 32)),
        ("ode", "gradient", workloads::ode(30_000, 10)),
        ("det", "gradient", workloads::det(8)),
    ];
    for (module, function, input) in inputs {
        set_threads(1);
        let alone = evaluate(module, function, &input);
        for threads in [2, 3, 8] {
            set_threads(threads);
            assert!(evaluate(module, function, &input) == alone, "{module}, {threads} threads");
        }
    }
}
