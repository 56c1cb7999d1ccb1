//! The audit: its latest records, its log, whether a log holds, and proofs of single records.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    fields::{Fields, short},
    ops::Answer,
    reply,
    world::World,
    wrong::Wrong,
};
use crate::session::audit::{self, Anchor, Proof};

/// Records that are told at once, at most.
const MOST: u32 = 4_096;
/// A log that is read from a file is not longer.
const LONGEST: u64 = 1 << 30;

pub(super) fn audit(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let session = match fields.text("session")? {
        Some(name) => match name.parse() {
            Ok(session) => Some(session),
            // Says what there is instead.
            Err(()) => Some(world.session(Some(&name))?.0),
        },
        None => None,
    };
    let last = fields.small("last")?.unwrap_or(20).min(MOST);
    let (seal, log) = (fields.flag("seal")?, fields.flag("log")?);
    if seal == Some(true) {
        world.store.audit_mut().seal();
    }
    let log = (log == Some(true)).then(|| STANDARD.encode(world.store.audit_mut().log().as_bytes()));
    let audit = world.store.audit();
    let mut out = json!({
        "records": reply::recent(world, session, last as usize, usize::MAX),
        "next": audit.next_sequence(),
        "unsealed": audit.unsealed(),
        "dropped": audit.dropped(),
        "head": audit.head().to_string(),
        "anchor": audit.anchor(),
    });
    if let Some(log) = log {
        out["log"] = log.into();
    }
    Ok(out)
}

pub(super) fn verify_audit(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let anchor = anchor(fields)?;
    let log = match (fields.bytes("log")?, fields.text("file")?) {
        (Some(_), Some(_)) => return Err(Wrong::new("wrong-type", "either `log` or `file`, not both").into()),
        (Some(log), None) => log,
        (None, Some(path)) => read(Path::new(&path))?,
        (None, None) => world.store.audit_mut().log().into_bytes(),
    };
    let found = audit::verify(&log, anchor.as_ref(), world.sealing.as_ref());
    let unchecked: Vec<String> = found.unchecked().iter().map(ToString::to_string).collect();
    let mut out = serde_json::to_value(&found).unwrap_or(Value::Null);
    out["holds"] = found.holds().into();
    out["unchecked"] = unchecked.into();
    if let Some(fault) = &found.fault {
        out["why"] = fault.to_string().into();
    }
    Ok(out)
}

/// A log in a file, of which there is an end.
fn read(path: &Path) -> Result<Vec<u8>, Wrong> {
    let wrong =
        |why: String| Wrong::new("file", format!("cannot read `{}`: {why}", short(&path.display().to_string())));
    let about = fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
    if !about.is_file() {
        return Err(wrong("it is not a file".to_owned()));
    }
    if about.len() > LONGEST {
        return Err(wrong(format!("it is longer than {LONGEST} bytes")));
    }
    fs::read(path).map_err(|error| wrong(error.to_string()))
}

fn anchor(fields: &Fields<'_>) -> Result<Option<Anchor>, Wrong> {
    fields.object("anchor", "an anchor, as `audit` gives it")
}

/// Makes a proof, or verifies one.
pub(super) fn prove(world: &mut World<'_>, fields: &Fields<'_>) -> Answer {
    let anchor = anchor(fields)?;
    if let Some(bytes) = fields.bytes("proof")? {
        if fields.raw("record").is_some() || fields.raw("until").is_some() {
            return Err(Wrong::new("wrong-type", "either `record` or `proof`, not both").into());
        }
        let proof = Proof::from_bytes(&bytes).map_err(|error| Wrong::new("proof", error.to_string()))?;
        // Without an anchor it is the live log that it is held against.
        let proven = match (anchor.or_else(|| world.store.audit().anchor()), &world.sealing) {
            (Some(anchor), _) => proof.verify(&anchor).copied(),
            (None, Some(secrets)) => proof.verify_secret(secrets).copied(),
            (None, None) => return Err(Wrong::new("missing-field", "there is no `anchor` to verify it against").into()),
        };
        return Ok(match proven {
            Ok(record) => json!({ "holds": true, "record": reply::event(world, &record) }),
            Err(why) => json!({ "holds": false, "why": why.to_string() }),
        });
    }
    let record = fields.number("record")?.ok_or_else(|| super::fields::missing("record"))?;
    let audit = world.store.audit_mut();
    if record >= audit.next_sequence() {
        let text = match audit.next_sequence().checked_sub(1) {
            Some(last) => format!("there is no record {record}; the last is {last}"),
            None => "there is no record yet".to_owned(),
        };
        return Err(Wrong::new("unknown-record", text).into());
    }
    if record >= audit.next_sequence().saturating_sub(audit.unsealed() as u64) {
        audit.seal();
    }
    // As far as the last seal, so that it can be held against the anchor of now.
    let last = audit.last_seal().map_or(0, |seal| seal.batch);
    let until = fields.number("until")?.unwrap_or(last);
    match world.store.audit().prove_until(record, until) {
        Some(proof) => Ok(json!({
            "proof": STANDARD.encode(proof.to_bytes()),
            "record": reply::event(world, proof.record()),
            "anchor": world.store.audit().anchor(),
        })),
        None => {
            Err(Wrong::new("unknown-record", format!("record {record} has no proof: it was dropped or delivered"))
                .into())
        }
    }
}
