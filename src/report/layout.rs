//! Where the nodes and arrows of a drawing go: layers from left to right.
//!
//! The usual four steps: arrows that lead back are turned round, each node gets the layer of its longest way from the
//! start, arrows over several layers get a bend in each, and nodes of a layer are put in the order that their
//! neighbours suggest. Linear memory and a constant number of sweeps; very long arrows are drawn without bends when
//! there would be too many of them.
//!
//! INVARIANT (dense): `layer`, `y` and `height` have an entry per node and bend; ends of arrows are such entries.
#![expect(clippy::indexing_slicing, reason = "by INVARIANT (dense), and of the diagram INVARIANT (closed)")]
#![expect(clippy::arithmetic_side_effects, reason = "sums of counts of things in memory, and floats")]

use super::diagram::Group;

/// The radius of a node.
pub(super) const RADIUS: f64 = 14.0;
const ROW: f64 = 52.0;
const BEND: f64 = 30.0;
const LINE: f64 = 13.0;
const CHAR: f64 = 6.1;
const MOST_BENDS: usize = 100_000;

/// A drawing with places.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    /// Of each node of the group.
    pub(super) nodes: Vec<(f64, f64)>,
    /// Of each arrow of the group, in its own direction.
    pub(super) paths: Vec<Path>,
}

/// An arrow with places.
#[derive(Debug, Default)]
pub(super) struct Path {
    /// From node to node.
    pub(super) points: Vec<(f64, f64)>,
    /// The middle of its text.
    pub(super) text: (f64, f64),
    /// From a node to itself.
    pub(super) round: bool,
    /// How far it swings out, to keep apart from the arrow that goes the other way.
    pub(super) swing: f64,
}

/// An arrow in the direction of the layers.
struct Edge {
    from: usize,
    to: usize,
    back: bool,
    /// From `from` to `to`, bends between.
    chain: Vec<usize>,
}

/// Places the nodes and arrows of a group.
pub(super) fn place(group: &Group) -> Layout {
    let n = group.nodes.len();
    if n == 0 {
        return Layout::default();
    }
    let mut edges = directed(group, n);
    let mut layer = layers(&edges, n);
    bends(&mut edges, &mut layer);
    let rows = order(&edges, &layer, group);
    let y = heights(&rows, &edges, &layer, n, group);
    let x = columns(group, &edges, &layer, &rows);
    finish(group, &edges, &layer, &x, &y, n)
}

/// Turns arrows that lead back to where a depth-first walk came from.
fn directed(group: &Group, n: usize) -> Vec<Edge> {
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); n];
    for (i, arrow) in group.arrows.iter().enumerate() {
        out[arrow.from].push(i);
    }
    let mut back = vec![false; group.arrows.len()];
    // 0 not seen, 1 on the way, 2 done.
    let mut seen = vec![0_u8; n];
    for root in std::iter::once(group.initial.min(n - 1)).chain(0..n) {
        if seen[root] != 0 {
            continue;
        }
        let mut stack = vec![(root, 0_usize)];
        seen[root] = 1;
        while let Some((node, next)) = stack.last_mut() {
            let Some(&arrow) = out[*node].get(*next) else {
                seen[*node] = 2;
                stack.pop();
                continue;
            };
            *next += 1;
            let to = group.arrows[arrow].to;
            match seen[to] {
                0 => {
                    seen[to] = 1;
                    stack.push((to, 0));
                }
                1 => back[arrow] = true,
                _ => {}
            }
        }
    }
    let edge = |(arrow, back): (&super::diagram::Arrow, bool)| {
        let (from, to) = if back { (arrow.to, arrow.from) } else { (arrow.from, arrow.to) };
        Edge { from, to, back, chain: Vec::new() }
    };
    group.arrows.iter().zip(back).map(edge).collect()
}

/// The longest way from a node without predecessors.
fn layers(edges: &[Edge], n: usize) -> Vec<usize> {
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); n];
    let mut missing = vec![0_usize; n];
    for edge in edges.iter().filter(|edge| edge.from != edge.to) {
        out[edge.from].push(edge.to);
        missing[edge.to] += 1;
    }
    let mut layer = vec![0_usize; n];
    let mut ready: Vec<usize> = (0..n).filter(|&node| missing[node] == 0).collect();
    while let Some(node) = ready.pop() {
        for &to in &out[node] {
            layer[to] = layer[to].max(layer[node] + 1);
            missing[to] -= 1;
            if missing[to] == 0 {
                ready.push(to);
            }
        }
    }
    layer
}

fn bends(edges: &mut [Edge], layer: &mut Vec<usize>) {
    let total: usize = edges.iter().map(|edge| layer[edge.to].saturating_sub(layer[edge.from] + 1)).sum();
    for edge in edges.iter_mut() {
        edge.chain.push(edge.from);
        if total <= MOST_BENDS {
            for between in layer[edge.from] + 1..layer[edge.to] {
                edge.chain.push(layer.len());
                layer.push(between);
            }
        }
        edge.chain.push(edge.to);
    }
}

/// The nodes and bends of each layer, in the order that keeps neighbours close.
fn order(edges: &[Edge], layer: &[usize], group: &Group) -> Vec<Vec<usize>> {
    let count = layer.iter().max().map_or(0, |max| max + 1);
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (node, &at) in layer.iter().enumerate() {
        rows[at].push(node);
    }
    let (before, after) = neighbours(edges, layer.len());
    let mut place = vec![0.0_f64; layer.len()];
    for row in &rows {
        for (i, &node) in row.iter().enumerate() {
            place[node] = i as f64;
        }
    }
    let sweeps = if group.nodes.len() > 5_000 { 2 } else { 12 };
    for sweep in 0..sweeps {
        let down = sweep % 2 == 0;
        let sequence: Vec<usize> = if down { (0..count).collect() } else { (0..count).rev().collect() };
        for at in sequence {
            let near = if down { &before } else { &after };
            let key = |&node: &usize| mean(near[node].iter().map(|&other| place[other])).unwrap_or(place[node]);
            let mut keyed: Vec<(f64, usize)> = rows[at].iter().map(|node| (key(node), *node)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            for (i, &(_, node)) in keyed.iter().enumerate() {
                place[node] = i as f64;
                rows[at][i] = node;
            }
        }
    }
    rows
}

type Near = Vec<Vec<usize>>;

fn neighbours(edges: &[Edge], n: usize) -> (Near, Near) {
    let (mut before, mut after) = (vec![Vec::new(); n], vec![Vec::new(); n]);
    for edge in edges.iter().filter(|edge| edge.from != edge.to) {
        for pair in edge.chain.windows(2) {
            after[pair[0]].push(pair[1]);
            before[pair[1]].push(pair[0]);
        }
    }
    (before, after)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0_u32), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}

/// Vertical places: as close to the neighbours as the order allows.
fn heights(rows: &[Vec<usize>], edges: &[Edge], layer: &[usize], n: usize, group: &Group) -> Vec<f64> {
    let mut size: Vec<f64> = (0..layer.len()).map(|node| if node < n { ROW } else { BEND }).collect();
    // Texts of several lines stand at the middle of their arrow and push the ends apart.
    for (edge, arrow) in edges.iter().zip(&group.arrows) {
        let tall = arrow.lines.len() as f64 * LINE;
        let end = if edge.from == edge.to { edge.from } else { edge.chain[1] };
        size[end] = size[end].max(tall * 1.4 + 16.0);
        if edge.from == edge.to {
            size[end] = size[end].max(2.0 * (tall + RADIUS * 2.6));
        }
    }
    let (before, after) = neighbours(edges, layer.len());
    let mut y = vec![0.0_f64; layer.len()];
    for row in rows {
        let total: f64 = row.iter().map(|&node| size[node]).sum();
        let mut at = -total / 2.0;
        for &node in row {
            y[node] = at + size[node] / 2.0;
            at += size[node];
        }
    }
    for sweep in 0..10 {
        let near = if sweep % 2 == 0 { &before } else { &after };
        for row in rows {
            let wish: Vec<f64> =
                row.iter().map(|&node| mean(near[node].iter().map(|&other| y[other])).unwrap_or(y[node])).collect();
            // Push down from the top, push up from the bottom, and take the middle: both keep the distances.
            let gap = |a: usize, b: usize| (size[a] + size[b]) / 2.0;
            let mut low = wish.clone();
            for i in 1..row.len() {
                low[i] = low[i].max(low[i - 1] + gap(row[i - 1], row[i]));
            }
            let mut high = wish;
            for i in (1..row.len()).rev() {
                high[i - 1] = high[i - 1].min(high[i] - gap(row[i - 1], row[i]));
            }
            for (i, &node) in row.iter().enumerate() {
                y[node] = f64::midpoint(low[i], high[i]);
            }
        }
    }
    y
}

/// Horizontal places: between two layers there is room for the widest text there.
fn columns(group: &Group, edges: &[Edge], layer: &[usize], rows: &[Vec<usize>]) -> Vec<f64> {
    let mut room = vec![70.0_f64; rows.len()];
    for (edge, arrow) in edges.iter().zip(&group.arrows) {
        let wide = arrow.lines.iter().map(|line| super::text::width(line)).max().unwrap_or(0) as f64 * CHAR;
        let at = layer[edge.from];
        let need = if edge.from == edge.to { wide / 2.0 + 40.0 } else { wide + 4.0 * RADIUS + 14.0 };
        room[at] = room[at].max(need);
    }
    let mut x = Vec::with_capacity(rows.len());
    let mut at = 0.0;
    for gap in room {
        x.push(at);
        at += gap;
    }
    x.push(at);
    x
}

fn finish(group: &Group, edges: &[Edge], layer: &[usize], x: &[f64], y: &[f64], n: usize) -> Layout {
    let mut layout = Layout::default();
    let mut paths = Vec::with_capacity(edges.len());
    for (edge, arrow) in edges.iter().zip(&group.arrows) {
        let at = |node: usize| (x[layer[node]], y[node]);
        if edge.from == edge.to {
            let (cx, cy) = at(edge.from);
            let tall = arrow.lines.len() as f64 * LINE;
            let text = (cx, cy - RADIUS * 2.6 - tall / 2.0);
            paths.push(Path { points: vec![(cx, cy)], text, round: true, swing: 0.0 });
            continue;
        }
        let mut points: Vec<(f64, f64)> = edge.chain.iter().map(|&node| at(node)).collect();
        let twin = edge.back && edges.iter().any(|other| !other.back && (other.from, other.to) == (edge.from, edge.to));
        let straight = edge.chain.len() == 2;
        let swing = if twin && straight { 26.0 } else { 0.0 };
        let ((ax, ay), (bx, by)) = (points[0], points[1]);
        let text = (f64::midpoint(ax, bx), f64::midpoint(ay, by) + swing);
        if edge.back {
            points.reverse();
        }
        paths.push(Path { points, text, round: false, swing });
    }
    // Everything moves to positive places, with a margin.
    let all = || {
        let texts = paths.iter().zip(&group.arrows).flat_map(|(path, arrow)| {
            let wide = arrow.lines.iter().map(|line| super::text::width(line)).max().unwrap_or(0) as f64 * CHAR / 2.0;
            let tall = arrow.lines.len() as f64 * LINE / 2.0;
            let (cx, cy) = path.text;
            [(cx - wide, cy - tall), (cx + wide, cy + tall)]
        });
        let nodes = (0..layer.len()).map(|node| (x[layer[node]], y[node]));
        texts.chain(nodes.flat_map(|(cx, cy)| [(cx - RADIUS, cy - RADIUS), (cx + RADIUS, cy + RADIUS)]))
    };
    let margin = 16.0;
    // The arrow into the initial node comes from the left.
    let left = all().map(|p| p.0).fold(f64::INFINITY, f64::min) - margin - 24.0;
    let top = all().map(|p| p.1).fold(f64::INFINITY, f64::min) - margin;
    layout.width = all().map(|p| p.0).fold(f64::NEG_INFINITY, f64::max) + margin - left;
    layout.height = all().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max) + margin - top;
    layout.nodes = (0..n).map(|node| (x[layer[node]] - left, y[node] - top)).collect();
    for path in &mut paths {
        for point in path.points.iter_mut().chain(std::iter::once(&mut path.text)) {
            *point = (point.0 - left, point.1 - top);
        }
    }
    layout.paths = paths;
    layout
}
