//! Nested derivatives against GradBench's own constants, and against plain loops with derivatives by
//! hand.

use super::{evaluate, flat};
use serde_json::json;

const MODES: [&str; 4] = ["rr", "ff", "fr", "rf"];

/// The constant of GradBench, which all its tools agree on.
#[test]
fn particle() {
    for modes in MODES {
        let w = flat(&evaluate("particle", modes, &json!({ "w": 0.0 })));
        assert!((w[0] - 0.2071918746486116).abs() < 1e-12, "{modes}: {w:?}");
    }
}

/// GradBench compares with an absolute tolerance that zeros would pass, so every digit is compared.
#[test]
fn saddle() {
    for modes in MODES {
        let point = flat(&evaluate("saddle", modes, &json!({ "start": [1.0, 1.0] })));
        assert_eq!(point.len(), 4);
        for x in point {
            assert!((x / 8.246324826140356e-06 - 1.0).abs() < 1e-12, "{modes}: {x:e}");
        }
    }
}
