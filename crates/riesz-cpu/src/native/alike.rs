//! Nests that are the same but for the buffers they work on share their code.
//!
//! Such code finds its operands through a list: the place of each in the table of addresses, in bytes.

use crate::nest::{Nest, Operand, Region, Source, Step};
use rustc_hash::FxHashMap as HashMap;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::collections::hash_map::Entry;

/// The operands of a nest, in the order in which they occur in it first.
pub(super) type Operands = SmallVec<[Operand; 8]>;

/// The nest with its operands numbered as they occur, and which ones they are: nests are alike if
/// their numbered forms are the same.
pub(super) fn numbered(nest: &Nest) -> (Nest, Operands) {
    let mut numbered = nest.clone();
    let mut operands = Operands::new();
    let mut number = |operand: &mut Operand| {
        let at = operands.iter().position(|known| known == operand).unwrap_or_else(|| {
            operands.push(*operand);
            operands.len() - 1
        });
        *operand = at as Operand;
    };
    numbered.accesses_mut().for_each(|access| number(&mut access.operand));
    numbered.flag.iter_mut().for_each(&mut number);
    (numbered, operands)
}

/// The list that shared code is given.
pub(super) fn list(operands: &[Operand]) -> Vec<u32> {
    operands.iter().map(|operand| 8 * operand).collect()
}

/// Code to be written, and the regions whose code it is.
pub(super) struct Kind<'a> {
    pub(super) region: Cow<'a, Region>,
    /// Whether it has to take a range.
    pub(super) ranged: bool,
    /// Each region with the list of its operands; the list is empty if there is only one.
    pub(super) of: Vec<(usize, Vec<u32>)>,
}

impl Kind<'_> {
    /// Whether several regions share the code, whose operands are places in a list then.
    pub(super) fn is_shared(&self) -> bool {
        self.of.len() > 1
    }
}

/// What is to be written for these regions.
pub(super) fn kinds<'a>(regions: &[Source<'a>]) -> Vec<Kind<'a>> {
    let mut kinds: Vec<Kind<'a>> = Vec::with_capacity(regions.len());
    // The kinds of single nests, and the operands of the first.
    let mut known: HashMap<(Nest, bool), (usize, Operands)> = HashMap::default();
    for (i, &Source { region, ranged }) in regions.iter().enumerate() {
        debug_assert_eq!(region.verify(), Ok(()));
        let alone = Kind { region: Cow::Borrowed(region), ranged, of: vec![(i, Vec::new())] };
        let [Step::Nest(nest)] = region.steps.as_slice() else {
            kinds.push(alone);
            continue;
        };
        let (numbered, operands) = numbered(nest);
        match known.entry((numbered, ranged)) {
            Entry::Vacant(place) => {
                place.insert((kinds.len(), operands));
                kinds.push(alone);
            }
            Entry::Occupied(known) => {
                let (kind, first) = known.get();
                let kind = &mut kinds[*kind];
                if !kind.is_shared() {
                    kind.of[0].1 = list(first);
                    let steps = vec![Step::Nest(known.key().0.clone())];
                    kind.region = Cow::Owned(Region { operands: region.operands.clone(), steps });
                }
                kind.of.push((i, list(&operands)));
            }
        }
    }
    kinds
}
