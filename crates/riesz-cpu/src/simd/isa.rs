//! Which instruction set the kernels run on, found once at run time.

use std::sync::OnceLock;

/// An instruction set this processor has.
///
/// A value of this type is a proof: it can only be made after the processor was asked, so the
/// kernels that take one need no further check. Levels are ordered: a later one includes the
/// earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Isa(Level);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Level {
    Baseline,
    Avx2,
    Avx512,
}

impl Isa {
    /// What the compiler assumes of every processor of the target; always there.
    pub const BASELINE: Isa = Isa(Level::Baseline);

    /// The best level here, or the one named by the environment variable `RIESZ_ISA`
    /// (`baseline`, `avx2`, `avx512`) if the processor has it; found once, then remembered.
    ///
    /// A name that is unknown or not available is ignored: the variable is for tests and
    /// comparisons, and can only ask for less than the machine has.
    pub fn best() -> Isa {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            let asked = std::env::var("RIESZ_ISA").ok();
            let asked = asked.as_deref().and_then(Isa::named);
            asked.unwrap_or_else(|| Isa(detect()))
        })
    }

    /// The level of that name, if this processor has it.
    ///
    /// ```
    /// use riesz_cpu::simd::Isa;
    /// assert_eq!(Isa::named("baseline"), Some(Isa::BASELINE));
    /// assert_eq!(Isa::named("mmx"), None);
    /// ```
    pub fn named(name: &str) -> Option<Isa> {
        Isa::available().find(|isa| isa.name() == name)
    }

    /// Every level this processor has, lowest first.
    pub fn available() -> impl Iterator<Item = Isa> {
        let best = detect();
        [Level::Baseline, Level::Avx2, Level::Avx512]
            .into_iter()
            .filter(move |l| *l <= best)
            .map(Isa)
    }

    /// `baseline`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Baseline => "baseline",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
        }
    }

    pub(crate) fn level(self) -> Level {
        self.0
    }
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Level {
    // The lists are those of the `#[target_feature]` attributes in `dispatch.rs` and `reduce.rs`.
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl");
    match (avx2, avx512) {
        (true, true) => Level::Avx512,
        (true, false) => Level::Avx2,
        _ => Level::Baseline,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Level {
    Level::Baseline
}
