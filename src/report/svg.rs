//! SVG, drawn by a layout of our own, so that nothing else has to be installed.

use std::fmt::Write as _;

use super::{
    diagram::{Diagram, Group},
    layout::{Layout, Path, RADIUS, place},
    text::xml,
};

const TITLE: f64 = 26.0;
const LINE: f64 = 13.0;

/// The drawing as a document, groups below each other.
#[must_use]
pub fn print(diagram: &Diagram) -> String {
    let layouts: Vec<(&Group, Layout)> = diagram.groups.iter().map(|group| (group, place(group))).collect();
    let width = layouts.iter().map(|(_, layout)| layout.width).fold(200.0, f64::max);
    let height: f64 = layouts.iter().map(|(_, layout)| layout.height + TITLE).sum();
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write(&diagram.title, &layouts, width, height, &mut out);
    out
}

fn write(title: &str, layouts: &[(&Group, Layout)], width: f64, height: f64, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"11\">"
    )?;
    writeln!(out, "  <title>{}</title>", xml(title))?;
    writeln!(
        out,
        "  <defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto\"><path d=\"M0,0 L8,4 L0,8 z\" fill=\"#444\"/></marker></defs>"
    )?;
    writeln!(out, "  <rect width=\"100%\" height=\"100%\" fill=\"white\"/>")?;
    let mut top = 0.0;
    for (group, layout) in layouts {
        writeln!(out, "  <g transform=\"translate(0,{top:.1})\">")?;
        writeln!(
            out,
            "    <text x=\"12\" y=\"18\" font-size=\"13\" font-weight=\"bold\">{}</text>",
            xml(&group.title)
        )?;
        writeln!(out, "    <g transform=\"translate(0,{TITLE})\">")?;
        for path in &layout.paths {
            arrow(path, group, layout, out)?;
        }
        nodes(group, layout, out)?;
        // Texts last, so that no line runs through them.
        for (path, arrow) in layout.paths.iter().zip(&group.arrows) {
            texts(path, &arrow.lines, out)?;
        }
        writeln!(out, "    </g>\n  </g>")?;
        top += layout.height + TITLE;
    }
    writeln!(out, "</svg>")
}

fn arrow(path: &Path, _: &Group, _: &Layout, out: &mut String) -> std::fmt::Result {
    let stroke = "fill=\"none\" stroke=\"#444\" marker-end=\"url(#head)\"";
    if path.round {
        let Some(&(x, y)) = path.points.first() else { return Ok(()) };
        let (side, up) = (RADIUS * 0.6, RADIUS * 0.85);
        return writeln!(
            out,
            "      <path d=\"M{:.1},{:.1} C{:.1},{:.1} {:.1},{:.1} {:.1},{:.1}\" {stroke}/>",
            x - side,
            y - up,
            x - side * 2.2,
            y - RADIUS * 3.0,
            x + side * 2.2,
            y - RADIUS * 3.0,
            x + side,
            y - up,
        );
    }
    let (Some(&first), Some(&last)) = (path.points.first(), path.points.last()) else { return Ok(()) };
    let forth = if last.0 >= first.0 { 1.0 } else { -1.0 };
    let mut d = format!("M{:.1},{:.1}", first.0 + forth * RADIUS, first.1);
    for (i, pair) in path.points.windows(2).enumerate() {
        let &[a, b] = pair else { continue };
        let (ax, ay) = if i == 0 { (a.0 + forth * RADIUS, a.1) } else { a };
        let is_last = i.saturating_add(2) == path.points.len();
        let (bx, by) = if is_last { (b.0 - forth * RADIUS, b.1) } else { b };
        let bend = (bx - ax) / 2.0;
        // A cubic reaches three quarters of the way to its control points.
        let swing = path.swing * 4.0 / 3.0;
        write!(d, " C{:.1},{:.1} {:.1},{:.1} {bx:.1},{by:.1}", ax + bend, ay + swing, bx - bend, by + swing,)?;
    }
    writeln!(out, "      <path d=\"{d}\" {stroke}/>")
}

fn nodes(group: &Group, layout: &Layout, out: &mut String) -> std::fmt::Result {
    for (n, (node, &(x, y))) in group.nodes.iter().zip(&layout.nodes).enumerate() {
        if n == group.initial {
            writeln!(
                out,
                "      <path d=\"M{:.1},{y:.1} L{:.1},{y:.1}\" stroke=\"#444\" marker-end=\"url(#head)\"/>",
                x - RADIUS - 22.0,
                x - RADIUS,
            )?;
        }
        let look = "fill=\"#eef3fb\" stroke=\"#345\"";
        if node.fork {
            let r = RADIUS;
            writeln!(
                out,
                "      <path d=\"M{:.1},{y:.1} L{x:.1},{:.1} L{:.1},{y:.1} L{x:.1},{:.1} z\" {look}/>",
                x - r,
                y - r,
                x + r,
                y + r,
            )?;
        } else {
            let r = if node.text.is_empty() { RADIUS * 0.4 } else { RADIUS };
            writeln!(out, "      <circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r:.1}\" {look}/>")?;
            if node.may_stop {
                writeln!(
                    out,
                    "      <circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{:.1}\" fill=\"none\" stroke=\"#345\"/>",
                    RADIUS - 3.0
                )?;
            }
        }
        let below = if node.fork { y + RADIUS + 12.0 } else { y + 4.0 };
        writeln!(out, "      <text x=\"{x:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{}</text>", xml(&node.text))?;
    }
    Ok(())
}

fn texts(path: &Path, lines: &[String], out: &mut String) -> std::fmt::Result {
    let (x, y) = path.text;
    let first = y - (lines.len() as f64 - 1.0) * LINE / 2.0 - 5.0;
    for (i, line) in lines.iter().enumerate() {
        writeln!(
            out,
            "      <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" stroke=\"white\" stroke-width=\"3\" \
             paint-order=\"stroke\">{}</text>",
            first + i as f64 * LINE,
            xml(line)
        )?;
    }
    Ok(())
}
