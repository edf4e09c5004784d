//! The blocks of a nest in the order of the code, and who uses what where.

use super::graph::{Graph, Id, NONE, Node, Op, Size};

/// A place in the code.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item {
    Node(Id),
    Enter(u16),
    Leave(u16),
}

/// The order of the code and the uses of every value.
pub(super) struct Linear {
    pub(super) items: Vec<Item>,
    pub(super) nodes: Vec<Node>,
    /// Where the values are computed; `u32::MAX` for constants and what nobody needs.
    pub(super) defined: Vec<u32>,
    /// Where the value is used: `uses[first[id]..first[id + 1]]`, in order.
    pub(super) uses: Vec<u32>,
    pub(super) first: Vec<u32>,
    /// Loads that are done where they are used, best as an operand in memory.
    pub(super) late: Vec<bool>,
    /// For each block, the places of its entry and end.
    pub(super) spans: Vec<(u32, u32)>,
}

impl Linear {
    pub(super) fn of(graph: &Graph) -> Linear {
        let nodes = graph.nodes().clone();
        let live = live(&nodes);
        let mut items = Vec::with_capacity(nodes.len() + 16);
        let mut spans = vec![(0, 0); graph.blocks.borrow().len()];
        flatten(graph, 0, &live, &mut items, &mut spans);
        let mut linear = Linear {
            defined: vec![u32::MAX; nodes.len()],
            uses: Vec::new(),
            first: vec![0; nodes.len() + 1],
            late: vec![false; nodes.len()],
            items,
            nodes,
            spans,
        };
        linear.count();
        linear.find_late();
        linear
    }

    fn count(&mut self) {
        for (at, item) in self.items.iter().enumerate() {
            let Item::Node(id) = *item else { continue };
            self.defined[id as usize] = at as u32;
            for &arg in self.nodes[id as usize].args.iter().filter(|&&a| a != NONE) {
                self.first[arg as usize + 1] += 1;
            }
        }
        for i in 1..self.first.len() {
            self.first[i] += self.first[i - 1];
        }
        self.uses = vec![0; self.first[self.nodes.len()] as usize];
        let mut next = self.first.clone();
        for (at, item) in self.items.iter().enumerate() {
            let Item::Node(id) = *item else { continue };
            for &arg in self.nodes[id as usize].args.iter().filter(|&&a| a != NONE) {
                self.uses[next[arg as usize] as usize] = at as u32;
                next[arg as usize] += 1;
            }
        }
    }

    /// A load with one use in the same straight line, and no store in between, can wait for it.
    fn find_late(&mut self) {
        let mut stores = 0;
        // How many stores there are before each place.
        let before: Vec<u32> = self
            .items
            .iter()
            .map(|item| {
                if let Item::Node(id) = *item {
                    stores += u32::from(matches!(
                        self.nodes[id as usize].op,
                        Op::Store(_) | Op::StoreFirst(..)
                    ));
                }
                stores
            })
            .collect();
        for id in 0..self.nodes.len() {
            let node = &self.nodes[id];
            let [at] = self.uses_of(id as Id) else { continue };
            if !matches!(node.op, Op::Load(_)) || self.defined[id] == u32::MAX {
                continue;
            }
            let Item::Node(user) = self.items[*at as usize] else { continue };
            let user = &self.nodes[user as usize];
            let same_line = user.block == node.block && user.after == node.after;
            let between = before[*at as usize] - before[self.defined[id] as usize];
            self.late[id] = same_line && between == 0 && node.size != Size::Mask;
        }
    }

    pub(super) fn uses_of(&self, id: Id) -> &[u32] {
        let (from, to) = (self.first[id as usize], self.first[id as usize + 1]);
        &self.uses[from as usize..to as usize]
    }
}

/// Whether a value is needed for an effect.
fn live(nodes: &[Node]) -> Vec<bool> {
    let mut live = vec![false; nodes.len()];
    for (id, node) in nodes.iter().enumerate().rev() {
        if node.op.is_effect() {
            live[id] = true;
        }
        if live[id] {
            for &arg in node.args.iter().filter(|&&a| a != NONE) {
                live[arg as usize] = true;
            }
        }
    }
    live
}

fn flatten(
    graph: &Graph,
    block: u16,
    live: &[bool],
    items: &mut Vec<Item>,
    spans: &mut [(u32, u32)],
) {
    let blocks = graph.blocks.borrow();
    // Blocks are nested as deep as the loops of a nest.
    let b = &blocks[block as usize];
    let start = items.len() as u32;
    items.push(Item::Enter(block));
    items.extend(b.before.iter().filter(|&&id| live[id as usize]).map(|&id| Item::Node(id)));
    for &kid in &b.kids {
        flatten(graph, kid, live, items, spans);
    }
    items.extend(b.after.iter().filter(|&&id| live[id as usize]).map(|&id| Item::Node(id)));
    spans[block as usize] = (start, items.len() as u32);
    items.push(Item::Leave(block));
}
