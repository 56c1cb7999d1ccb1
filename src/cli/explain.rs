//! `polylogue explain CODE`

use std::io::Write as _;

use super::{Failure, Status, args};
use crate::{
    diag::{CATALOGUE, Code},
    syntax,
};

pub(super) fn run(args: &args::Explain) -> Result<Status, Failure> {
    let mut out = std::io::BufWriter::new(anstream::stdout());
    let bold = anstyle::Style::new().bold();
    let Some(id) = &args.code else {
        for code in CATALOGUE.iter().copied().flatten() {
            let explanation = code.explanation();
            writeln!(out, "{bold}{}{bold:#}  {:<7}  {}", code.id(), explanation.severity.word(), explanation.title)?;
        }
        out.flush()?;
        return Ok(Status::AsStated);
    };
    let Some(code) = find(id) else {
        let known: Vec<String> = CATALOGUE.iter().copied().flatten().map(|code| code.id().to_lowercase()).collect();
        let words: Vec<&str> = known.iter().map(String::as_str).collect();
        let near = syntax::nearest(id, &words);
        let near = near.map_or_else(String::new, |near| format!("; did you mean `{}`?", near.to_uppercase()));
        let text = format!("there is no code `{id}`{near} (`polylogue explain` lists all codes)");
        return Err(Failure::Usage(text));
    };
    let explanation = code.explanation();
    writeln!(out, "{bold}{} ({}): {}{bold:#}\n", code.id(), explanation.severity.word(), explanation.title)?;
    for line in wrapped(explanation.text) {
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    Ok(Status::AsStated)
}

/// `PL0101`, `pl0101`, `0101`, `[PL0101]`.
fn find(id: &str) -> Option<Code> {
    let id = id.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    Code::find(id).or_else(|| Code::find(&format!("PL{id}")))
}

/// Paragraphs in lines of readable length; code stays as it is.
fn wrapped(text: &str) -> Vec<String> {
    const WIDTH: usize = 100;
    let mut lines = Vec::new();
    let mut code = false;
    for line in text.trim_end().lines() {
        if line.starts_with("```") {
            code = !code;
            continue;
        }
        if code {
            lines.push(format!("    {line}"));
            continue;
        }
        // A list item goes on under its own text.
        let indent = if line.starts_with("- ") || line.starts_with("* ") { "  " } else { "" };
        let mut current = String::new();
        for word in line.split(' ') {
            let long = current.chars().count().saturating_add(word.chars().count()) >= WIDTH;
            if long && !current.is_empty() {
                lines.push(std::mem::replace(&mut current, indent.to_owned()));
            } else if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        lines.push(current);
    }
    lines
}
