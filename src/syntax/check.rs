//! What must hold for every text, as functions that tests and fuzz targets share.

use super::print::{Style, print};
use super::{MAX_DIAGNOSTICS, parse};
use crate::diag::Diagnostic;
use crate::id::FileId;

/// Parses any bytes and prints what was read. Says what is wrong, if anything is.
pub fn total(bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    let (file, found) = parse(FileId::default(), &text);
    if found.len() > MAX_DIAGNOSTICS {
        return Err(format!("{} diagnostics", found.len()));
    }
    let mut last = 0;
    for one in &found {
        let places = one.labels.iter().map(|label| label.span).chain([one.span]);
        for span in places {
            if text.get(span.start as usize..span.end as usize).is_none() {
                return Err(format!("`{}` is at {span:?}, which is no part of the text", one.text));
            }
        }
        if one.span.start < last {
            return Err(format!("`{}` is out of order", one.text));
        }
        last = one.span.start;
        if one.text.contains('\n') || one.text.ends_with('.') && !one.text.ends_with("..") {
            return Err(format!("`{}` is not one line without a full stop", one.text));
        }
    }
    if found.is_empty() {
        return round_trip(&text);
    }
    // A tree with holes must be printable all the same.
    for style in [Style::Arrows, Style::Scribble] {
        let _ = print(&file, &text, style);
    }
    Ok(())
}

/// Parses a text without errors and prints it in both styles: the tree and the comments must stay, and printing again
/// must change nothing.
pub fn round_trip(text: &str) -> Result<(), String> {
    let (file, found) = parse(FileId::default(), text);
    if let Some(first) = found.first() {
        return Err(format!("{}: {} at {:?}", first.code, first.text, first.span));
    }
    for style in [Style::Arrows, Style::Scribble] {
        let printed = print(&file, text, style);
        let (again, found) = parse(FileId::default(), &printed);
        if let Some(first) = found.first() {
            return Err(format!("printed with an error: {}: {}\n{printed}", place(&printed, first), first.text));
        }
        if shape(&file) != shape(&again) {
            return Err(format!("printed as another tree:\n{printed}"));
        }
        let comments = |file: &super::tree::File, text: &str| {
            let slices = file.comments.iter().map(|comment| {
                let text = text.get(comment.span.start as usize..comment.span.end as usize).unwrap_or("");
                text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
            });
            let mut slices: Vec<String> = slices.collect();
            slices.sort();
            slices
        };
        if comments(&file, text) != comments(&again, &printed) {
            return Err(format!("printed with other comments:\n{printed}"));
        }
        let twice = print(&again, &printed, style);
        if twice != printed {
            return Err(format!("printed differently the second time:\n{printed}\n---- then ----\n{twice}"));
        }
        if let Some(line) = printed.lines().find(|line| line.ends_with(' ')).filter(|_| file.comments.is_empty()) {
            return Err(format!("a line ends with a space: `{line}`"));
        }
    }
    Ok(())
}

fn place(text: &str, found: &Diagnostic) -> String {
    let before = text.get(..found.span.start as usize).unwrap_or("");
    format!("line {}", before.lines().count())
}

/// A tree without its places and comments, as a text: equal for equal trees.
#[must_use]
pub fn shape(file: &super::tree::File) -> String {
    let bare = format!("{:?} {:?} {:?} {:?}", file.pragma, file.edition, file.module, file.items);
    let mut out = String::with_capacity(bare.len());
    let mut rest = bare.as_str();
    while let Some(at) = rest.find("Span { file: ") {
        out.push_str(rest.get(..at).unwrap_or(""));
        let tail = rest.get(at..).unwrap_or("");
        rest = tail.find('}').and_then(|end| tail.get(end.saturating_add(1)..)).unwrap_or("");
    }
    out.push_str(rest);
    out
}
