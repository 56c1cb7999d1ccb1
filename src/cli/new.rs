//! `polylogue new NAME`

use std::path::Path;

use super::{Failure, Status, args, files, output};

/// The first specification, with `{file}` and `{Name}` to be filled in.
const TEMPLATE: &str = include_str!("new.mpst");

pub(super) fn run(args: &args::New) -> Result<Status, Failure> {
    let path = if args.name.extension().is_some_and(|ending| ending == "mpst") {
        args.name.clone()
    } else {
        let mut path = args.name.clone().into_os_string();
        path.push(".mpst");
        path.into()
    };
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
    let name = protocol_name(stem)
        .ok_or_else(|| Failure::Usage(format!("`{}` has no letters to make a name of", args.name.display())))?;
    let text = TEMPLATE.replace("{Name}", &name).replace("{file}", &file_name(&path));
    files::create(&path, &text)?;
    output::say(&format!("wrote {0}; now try: polylogue check {0}", path.display()));
    Ok(Status::AsStated)
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// `book_shop` becomes `BookShop`.
fn protocol_name(stem: &str) -> Option<String> {
    let mut name = String::new();
    for word in stem.split(|c: char| !c.is_ascii_alphanumeric()) {
        let mut letters = word.chars();
        name.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        name.extend(letters);
    }
    let letter = name.starts_with(|c: char| c.is_ascii_alphabetic());
    (!name.is_empty()).then(|| if letter { name } else { format!("P{name}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(protocol_name("book_shop").as_deref(), Some("BookShop"));
        assert_eq!(protocol_name("2pc").as_deref(), Some("P2pc"));
        assert_eq!(protocol_name("--"), None);
    }
}
