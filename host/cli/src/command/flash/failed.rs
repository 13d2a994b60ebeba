//! How `weir flash` failed, for programs: what was expected, what was found, and what to do.

use serde_json::{Map, Value, json};
use weir_firmware::flash::UpdateError;
use weir_firmware::image::{PackageError, Refusal, SignatureError, TrustError};

use crate::exit::Exit;

/// The last line of a run that did not come to its end. Of what is no refusal, a cable that is not there as little as a full disk, nothing
/// was expected or found: it has its words alone.
pub(super) fn event(error: &anyhow::Error) -> Value {
    let refused = error.chain().find_map(refusal);
    let outcome = if refused.is_some() { "refused" } else { "failed" };
    let mut event = Map::from_iter([
        ("event".to_string(), json!("end")),
        ("outcome".to_string(), json!(outcome)),
        ("exit".to_string(), json!(Exit::of(error) as u8)),
        ("error".to_string(), json!(format!("{error:#}"))),
    ]);
    if let Some([field, expected, found, remedy]) = refused {
        let facts = [("field", field), ("expected", expected), ("found", found), ("do", remedy)];
        event.extend(facts.map(|(name, words)| (name.to_string(), json!(words))));
    }
    Value::Object(event)
}

/// Field, expected, found, what to do.
fn refusal(cause: &(dyn std::error::Error + 'static)) -> Option<[String; 4]> {
    if let Some(error) = cause.downcast_ref::<UpdateError>() {
        let Refusal { field, found, wanted, remedy } = error.refusal()?;
        return Some([field.to_string(), wanted, found, remedy]);
    }
    if let Some(error) = cause.downcast_ref::<PackageError>() {
        let facts = match error {
            PackageError::Disagree { field, found, wanted } => [field.clone(), wanted.clone(), found.clone()],
            other => ["package".into(), "a whole one".into(), words(other)],
        };
        let [field, wanted, found] = facts;
        return Some([field, wanted, found, "have it packed and signed anew".into()]);
    }
    let (expected, found, remedy) = match cause.downcast_ref::<TrustError>()? {
        TrustError::Unknown { found, trusted } => {
            (format!("one of {trusted}"), found.clone(), "have it signed by one of these, or trust that key")
        }
        TrustError::Expired { id, name, until, today } => {
            let found = format!("{id} ({name}), taken until {until}");
            (format!("one that is taken on {today}"), found, "have it signed by a key that is taken")
        }
        TrustError::Signature(SignatureError::Broken { key }) => {
            let found = "a package or a signature that was changed".to_string();
            (format!("one that holds under key {key}"), found, "take both anew from where they were made")
        }
        TrustError::Signature(SignatureError::OtherKey { found, wanted }) => {
            (wanted.clone(), found.clone(), "have it signed by that key")
        }
        TrustError::Signature(other) => ("one of minisign's".into(), words(other), "have the package signed anew"),
        TrustError::Syntax(_) | TrustError::Key { .. } => return None,
    };
    Some(["signature".into(), expected, found, remedy.into()])
}

/// An error with its causes.
fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use anyhow::Context;
    use weir_firmware::flash::AccessError;

    use super::*;

    fn told(error: UpdateError) -> Value {
        event(&Err::<(), _>(error).context("weir.pldm is refused").expect_err("an error"))
    }

    #[test]
    fn a_refusal_says_what_was_expected_and_found_and_what_to_do() {
        let refusal = Refusal { field: "board", found: "a".into(), wanted: "b".into(), remedy: "take b".into() };
        let wanted = json!({
            "event": "end", "outcome": "refused", "exit": 1,
            "error": "weir.pldm is refused: nothing was written: board is a, should be b; take b",
            "field": "board", "expected": "b", "found": "a", "do": "take b",
        });
        assert_eq!(told(UpdateError::Refused(refusal)), wanted);
        let source = AccessError::Verify { at: 0x100, found: 1, wanted: 2 };
        let verify = told(UpdateError::Access { during: "primary image", source });
        assert_eq!((&verify["expected"], &verify["found"]), (&json!("0x02"), &json!("0x01 at 0x000100")));
    }

    #[test]
    fn what_only_failed_has_its_words_and_its_exit_code() {
        let source = std::io::Error::from(std::io::ErrorKind::NotFound);
        let source = AccessError::Run { program: "openFPGALoader".into(), source };
        let told = told(UpdateError::Access { during: "identifying the board", source });
        assert_eq!((&told["outcome"], &told["exit"], told.get("found")), (&json!("failed"), &json!(3), None));
    }
}
