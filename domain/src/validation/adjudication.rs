//! What people decide about a version: where the pipeline left it to them, and when its vendor appeals.

use serde::{Deserialize, Serialize};

use super::{Error, Event, Validation, Verdict};
use crate::id::VendorId;

/// What a person said about a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ruling {
    /// Approve or reject.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Whether it answers an appeal, and upholds or overturns a rejection, instead of the question that the pipeline left
    /// open. It is said, and not guessed, so that nobody answers an appeal that they have not read. Since the second version
    /// of the event's shape.
    pub on_appeal: bool,
}

/// What a vendor said against the rejection of its version, and what became of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appeal {
    /// What speaks against the rejection.
    pub reason: String,
    /// None while it is open; to approve overturned the rejection, to reject upheld it.
    pub answer: Option<Ruling>,
}

impl Validation {
    /// What a person said last; none when nobody was asked, or has answered.
    #[must_use]
    pub fn ruling(&self) -> Option<&Ruling> {
        self.appeal.as_ref().and_then(|appeal| appeal.answer.as_ref()).or(self.adjudicated.as_ref())
    }

    /// The verdict before any appeal; none while a human has to say it.
    fn first_verdict(&self) -> Result<Option<Verdict>, Error> {
        let settled = self.settled()?;
        Ok(self.adjudicated.as_ref().map(|ruling| ruling.verdict).or(settled))
    }

    pub(super) fn rule(&mut self, ruling: &Ruling) {
        match &mut self.appeal {
            Some(appeal) if ruling.on_appeal => appeal.answer = Some(ruling.clone()),
            _ => self.adjudicated = Some(ruling.clone()),
        }
    }
}

/// Only a rejection is appealed: what waits for a human is in front of one already. A version has one appeal, and its answer
/// is final, since its archive never changes: whoever has more to show hands in another version.
pub(super) fn decide_appeal(known: &Validation, vendor: VendorId, reason: String) -> Result<Option<Event>, Error> {
    let verdict = known.first_verdict()?;
    match &known.appeal {
        Some(appeal) if appeal.reason == reason => Ok(None),
        Some(_) => Err(Error::AlreadyAppealed),
        None if verdict != Some(Verdict::Reject) => Err(Error::NotRejected),
        None => Ok(Some(Event::Appealed { version: known.version.clone(), vendor_id: vendor, reason })),
    }
}

pub(super) fn decide_adjudication(known: &Validation, ruling: Ruling) -> Result<Option<Event>, Error> {
    if ruling.verdict == Verdict::Escalate {
        return Err(Error::VerdictNotFinal);
    }
    let first = known.first_verdict()?;
    let (decided, refusal) = match &known.appeal {
        None if ruling.on_appeal => return Err(Error::NotAppealed),
        Some(appeal) if ruling.on_appeal => {
            (appeal.answer.as_ref().map(|answer| answer.verdict), Error::AlreadyAdjudicated)
        }
        Some(Appeal { answer: None, .. }) => (first, Error::AppealOpen),
        _ if known.adjudicated.is_some() => (first, Error::AlreadyAdjudicated),
        _ => (first, Error::AlreadyConcluded),
    };
    match decided {
        Some(before) if before == ruling.verdict => Ok(None),
        Some(_) => Err(refusal),
        None => Ok(Some(Event::Adjudicated { version: known.version.clone(), ruling })),
    }
}
