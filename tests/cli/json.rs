//! Real output against the schema in the repository.

use std::process::Command;

use serde_json::Value;

/// The subset of JSON Schema that our schema uses; anything else in a schema fails the test.
fn violations(schema: &Value, root: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for (key, rule) in schema.as_object().unwrap() {
        match key.as_str() {
            "$schema" | "title" | "$defs" | "properties" => {}
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                violations(&root["$defs"][name], root, value, at, found);
            }
            "const" => {
                if value != rule {
                    found.push(format!("{at}: {value} is not {rule}"));
                }
            }
            "enum" => {
                if !rule.as_array().unwrap().contains(value) {
                    found.push(format!("{at}: {value} is none of {rule}"));
                }
            }
            "type" => {
                let one = |name: &Value| match name.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_u64() || value.is_i64(),
                    "boolean" => value.is_boolean(),
                    "null" => value.is_null(),
                    other => panic!("the schema has the type `{other}`"),
                };
                let fits = rule.as_array().map_or_else(|| one(rule), |types| types.iter().any(one));
                if !fits {
                    found.push(format!("{at}: {value} is no {rule}"));
                }
            }
            "minimum" => {
                if value.as_i64().is_some_and(|n| n < rule.as_i64().unwrap()) {
                    found.push(format!("{at}: {value} is less than {rule}"));
                }
            }
            "pattern" => {
                let pattern = regex::Regex::new(rule.as_str().unwrap()).unwrap();
                if value.as_str().is_some_and(|text| !pattern.is_match(text)) {
                    found.push(format!("{at}: {value} does not match {rule}"));
                }
            }
            "required" => {
                for name in rule.as_array().unwrap() {
                    if value.is_object() && value.get(name.as_str().unwrap()).is_none() {
                        found.push(format!("{at}: no {name}"));
                    }
                }
            }
            "items" => {
                for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                    violations(rule, root, item, &format!("{at}[{i}]"), found);
                }
            }
            "oneOf" => {
                let fitting = rule.as_array().unwrap().iter().filter(|one| {
                    let mut inner = Vec::new();
                    violations(one, root, value, at, &mut inner);
                    inner.is_empty()
                });
                if fitting.count() != 1 {
                    found.push(format!("{at}: not exactly one of the kinds"));
                }
            }
            other => panic!("the schema uses `{other}`"),
        }
    }
    for (name, rule) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if let Some(inner) = value.get(name) {
            violations(rule, root, inner, &format!("{at}.{name}"), found);
        }
    }
}

fn schema() -> Value {
    serde_json::from_str(include_str!("../../src/report/schema/report.schema.json")).unwrap()
}

/// Lines of a command's output, by reason.
fn lines(args: &[&str]) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_polylogue")).args(args).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_line_is_as_the_schema_says() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd");
    let path = |name: &str| format!("{dir}/{name}");
    let (wrong, broken, later, shop, log) = (
        path("check.in/wrong.mpst"),
        path("check.in/broken.mpst"),
        path("check.in/later.mpst"),
        path("conform.in/shop.mpst"),
        path("conform.in/log.jsonl"),
    );
    let (old, new, gone) = (path("diff.in/shop.mpst"), path("diff.in/next.mpst"), path("diff.in/ping.mpst"));
    let machines = path("projection.in/machines.mpst");
    let runs: [&[&str]; 10] = [
        &["check", "--format", "json", &wrong, &broken, &later, &shop],
        &["check", "--format", "json", "--max-states", "2", "--check", "live", &shop],
        &["conform", "--format", "json", "--coverage", &shop, &log],
        &["diff", "--format", "json", &old, &new],
        &["diff", "--format", "json", &new, &old],
        &["diff", "--format", "json", &old, &gone],
        &["synthesize", "--format", "json", &machines, "Shop"],
        &["synthesize", "--format", "json", &machines, "Cross"],
        &["synthesize", "--format", "json", "--name", "Both", &machines, "Pairs"],
        &["synthesize", "--format", "json", &broken],
    ];
    let schema = schema();
    let mut reasons = std::collections::BTreeSet::new();
    for args in runs {
        for line in lines(args) {
            let mut found = Vec::new();
            violations(&schema, &schema, &line, "line", &mut found);
            assert!(found.is_empty(), "{found:#?}\n{line:#}");
            reasons.insert(line["reason"].as_str().unwrap().to_owned());
        }
    }
    let all = [
        "added",
        "coverage",
        "declaration",
        "diagnostic",
        "removed",
        "role",
        "session",
        "summary",
        "synthesis",
        "trace",
        "verdict",
    ];
    assert!(reasons.iter().map(String::as_str).eq(all), "{reasons:?}");
}

#[test]
fn what_is_synthesized_is_told_to_programs() {
    let machines = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/projection.in/machines.mpst");
    let of = |args: &[&str]| -> Value {
        let args = [&["synthesize", "--format", "json", machines], args].concat();
        let found: Vec<Value> = lines(&args).into_iter().filter(|line| line["reason"] == "synthesis").collect();
        let [found] = found.as_slice() else { panic!("{args:?}: {found:?}") };
        found.clone()
    };
    let found = of(&["Pairs", "--name", "Both"]);
    assert_eq!((&found["verdict"], &found["name"], &found["parts"]), (&"found".into(), &"Both".into(), &2.into()));
    let certificates: Vec<&str> =
        found["roles"].as_array().unwrap().iter().map(|role| role["certificate"].as_str().unwrap()).collect();
    assert_eq!(certificates, ["equal"; 4]);
    // The text is a specification that projects.
    let dir = std::env::temp_dir().join(format!("polylogue-synthesis-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("both.mpst");
    std::fs::write(&file, found["protocol"].as_str().unwrap()).unwrap();
    let verdicts = lines(&["check", "--format", "json", "--check", "projectable", file.to_str().unwrap()]);
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(verdicts.iter().any(|line| line["verdict"] == "holds"), "{verdicts:#?}");
    let none = of(&["Cross"]);
    assert_eq!((&none["verdict"], &none["protocol"]), (&"none".into(), &Value::Null));
    assert!(none["detail"].as_str().unwrap().contains("no sequential global type"));
}

#[test]
fn the_validator_objects() {
    let schema = schema();
    let judge = |text: &str| {
        let mut found = Vec::new();
        violations(&schema, &schema, &serde_json::from_str(text).unwrap(), "line", &mut found);
        found.len()
    };
    assert_ne!(judge(r#"{"reason":"summary"}"#), 0);
    assert_ne!(judge(r#"{"reason":"nothing"}"#), 0);
    let good = r#"{"reason":"summary","errors":0,"violated":0,"unknown":0,"sessions":0,"events":0,"millis":0,
        "warnings":0,"claims":0,"traces":0,"conforming":0,"violating":0,"incomplete":0}"#;
    assert_eq!(judge(good), 0);
    assert_ne!(judge(&good.replace("\"errors\":0", "\"errors\":-1")), 0);
    assert_ne!(judge(&good.replace("\"errors\":0", "\"errors\":\"0\"")), 0);
}
