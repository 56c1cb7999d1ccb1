//! Graphviz DOT.

use std::fmt::Write as _;

use super::diagram::Diagram;

/// The drawing as a `digraph`, a cluster per group if there are several.
#[must_use]
pub fn print(diagram: &Diagram) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write(diagram, &mut out);
    out
}

fn write(diagram: &Diagram, out: &mut String) -> std::fmt::Result {
    writeln!(out, "digraph {} {{", quoted(&diagram.title))?;
    writeln!(out, "  rankdir=LR;")?;
    writeln!(out, "  label={};", quoted(&diagram.title))?;
    writeln!(out, "  node [shape=circle, fontname=\"Helvetica\", fontsize=10];")?;
    writeln!(out, "  edge [fontname=\"Helvetica\", fontsize=10];")?;
    let several = diagram.groups.len() > 1;
    for (g, group) in diagram.groups.iter().enumerate() {
        if several {
            writeln!(out, "  subgraph cluster_{g} {{")?;
            writeln!(out, "    label={};", quoted(&group.title))?;
        }
        let pad = if several { "    " } else { "  " };
        writeln!(out, "{pad}start_{g} [shape=point];")?;
        for (n, node) in group.nodes.iter().enumerate() {
            let shape = match (node.fork, node.may_stop) {
                (true, _) => ", shape=diamond",
                (false, true) => ", shape=doublecircle",
                (false, false) if node.text.is_empty() => ", shape=circle, width=0.15",
                (false, false) => "",
            };
            writeln!(out, "{pad}s{g}_{n} [label={}{shape}];", quoted(&node.text))?;
        }
        writeln!(out, "{pad}start_{g} -> s{g}_{};", group.initial)?;
        for arrow in &group.arrows {
            let label = quoted(&arrow.lines.join("\n"));
            writeln!(out, "{pad}s{g}_{} -> s{g}_{} [label={label}];", arrow.from, arrow.to)?;
        }
        if several {
            writeln!(out, "  }}")?;
        }
    }
    writeln!(out, "}}")
}

/// A DOT string; line ends become `\n`, which centres the lines.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
