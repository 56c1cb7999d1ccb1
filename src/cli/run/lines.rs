//! Lines of standard input, none longer than [`LONGEST`]: of a longer one only that it was too long.

use std::io::{self, BufRead};

/// The longest line, in bytes.
pub(super) const LONGEST: usize = 1 << 20;

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A line, without its end.
    Text(&'a str),
    /// It is too long, and was skipped.
    TooLong,
    /// It is not UTF-8.
    NotText,
}

/// The next line, if there is one. What ends without a newline is a line too, if there is anything.
pub(super) fn next<'a>(from: &mut (impl BufRead + ?Sized), buffer: &'a mut Vec<u8>) -> io::Result<Option<Line<'a>>> {
    buffer.clear();
    let (mut any, mut long) = (false, false);
    loop {
        let read = match from.fill_buf() {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if read.is_empty() {
            break;
        }
        any = true;
        let end = memchr::memchr(b'\n', read);
        let (text, used) = match end {
            Some(at) => (read.get(..at).unwrap_or_default(), at.saturating_add(1)),
            None => (read, read.len()),
        };
        if buffer.len().saturating_add(text.len()) > LONGEST {
            long = true;
            buffer.clear();
        } else if !long {
            buffer.extend_from_slice(text);
        }
        from.consume(used);
        if end.is_some() {
            break;
        }
    }
    if !any {
        return Ok(None);
    }
    if buffer.last() == Some(&b'\r') {
        buffer.pop();
    }
    Ok(Some(match (long, std::str::from_utf8(buffer)) {
        (true, _) => Line::TooLong,
        (false, Ok(text)) => Line::Text(text),
        (false, Err(_)) => Line::NotText,
    }))
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn all(bytes: &[u8]) -> Vec<String> {
        let mut from = BufReader::with_capacity(7, bytes);
        let mut buffer = Vec::new();
        let mut out = Vec::new();
        while let Some(line) = next(&mut from, &mut buffer).expect("a slice can be read") {
            out.push(match line {
                Line::Text(text) => text.to_owned(),
                other => format!("{other:?}"),
            });
        }
        out
    }

    #[test]
    fn lines_end_and_are_bounded() {
        assert_eq!(all(b""), Vec::<String>::new());
        assert_eq!(all(b"one\r\n\ntwo, longer\nthree"), ["one", "", "two, longer", "three"]);
        assert_eq!(all(b"\xff\nfine\n"), ["NotText", "fine"]);
        let mut long = vec![b'x'; LONGEST];
        long.extend(b"\nnext\n");
        assert_eq!(all(&long).iter().map(String::len).collect::<Vec<_>>(), [LONGEST, 4]);
        long.insert(0, b'x');
        assert_eq!(all(&long), ["TooLong", "next"]);
    }
}
