//! One user's review of one plugin.

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{
    decider::Decider,
    id::{PluginId, UserId, VendorId},
    personal::Personal,
    stream::Category,
};

/// Stars, 1 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Rating(u8);

impl Rating {
    /// The number of stars.
    #[must_use]
    pub const fn stars(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Rating {
    type Error = String;
    fn try_from(stars: u8) -> Result<Self, Self::Error> {
        if (1..=5).contains(&stars) { Ok(Self(stars)) } else { Err(format!("a rating is 1 to 5, not {stars}")) }
    }
}

impl From<Rating> for u8 {
    fn from(rating: Rating) -> Self {
        rating.0
    }
}

/// A review as its events tell it.
#[derive(Clone, Debug, Default)]
pub enum State {
    /// Never written.
    #[default]
    Absent,
    /// There, shown or hidden.
    Live(Review),
    /// Taken back by its author.
    Retracted,
}

/// A review that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    /// Stars.
    pub rating: Rating,
    /// Headline.
    pub title: Personal,
    /// Text.
    pub body: Personal,
    /// Whether a moderator hid it.
    pub hidden: bool,
    /// How often it was flagged since it was last shown or edited.
    pub flags: u32,
    /// What the vendor answered.
    pub reply: Option<String>,
}

impl Review {
    /// Whether it reads just so. Of texts that cannot be read nobody can tell, so they count as other ones.
    fn says(&self, rating: Rating, title: &Personal, body: &Personal) -> bool {
        let same = |a: &Personal, b: &Personal| a.text().is_some() && a.text() == b.text();
        self.rating == rating && same(&self.title, title) && same(&self.body, body)
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Edited { rating, title, body, .. } => {
                self.rating = *rating;
                self.title = title.clone();
                self.body = body.clone();
                self.flags = 0;
            }
            Event::Flagged { .. } => self.flags = self.flags.saturating_add(1),
            Event::Unflagged { .. } => self.flags = 0,
            Event::Hidden { .. } => self.hidden = true,
            Event::Restored { .. } => {
                self.hidden = false;
                self.flags = 0;
            }
            Event::Replied { body } => self.reply = Some(body.clone()),
            Event::Submitted { .. } | Event::Retracted { .. } => {}
        }
    }
}

/// What can be asked of a review.
#[derive(Clone, Debug)]
pub enum Command {
    /// Write it, or write it anew.
    Write {
        /// Who.
        user: UserId,
        /// Of what.
        plugin: PluginId,
        /// Whose.
        vendor: VendorId,
        /// Stars.
        rating: Rating,
        /// Headline.
        title: Personal,
        /// Text.
        body: Personal,
        /// The version the author has, or last had, installed; none when never.
        installed: Option<Version>,
        /// Whether the author owns the plugin's vendor.
        own_plugin: bool,
    },
    /// Take it back.
    Retract,
    /// Report it to the moderators.
    Flag {
        /// Why, in the words of whoever reports it.
        reason: Personal,
    },
    /// Let it stand, whatever was reported.
    Unflag,
    /// Hide it.
    Hide {
        /// Why.
        reason: String,
    },
    /// Show it again.
    Restore,
    /// The vendor's answer.
    Reply {
        /// What.
        body: String,
    },
}

/// What happens to a review.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// It was written, also again after it was taken back.
    #[serde(rename = "review.submitted", rename_all = "camelCase")]
    Submitted {
        /// Who.
        user_id: UserId,
        /// Of what.
        plugin_id: PluginId,
        /// Whose.
        vendor_id: VendorId,
        /// Stars.
        rating: Rating,
        /// Headline.
        title: Personal,
        /// Text.
        body: Personal,
        /// The version the author has, or last had, installed.
        installed_version: Version,
    },
    /// It was written anew.
    #[serde(rename = "review.edited", rename_all = "camelCase")]
    Edited {
        /// Stars.
        rating: Rating,
        /// Stars until now.
        previous_rating: Rating,
        /// Headline.
        title: Personal,
        /// Text.
        body: Personal,
        /// Whether it is hidden, so that its stars do not count.
        hidden: bool,
    },
    /// Its author took it back.
    #[serde(rename = "review.retracted", rename_all = "camelCase")]
    Retracted {
        /// The stars that no longer count.
        rating: Rating,
        /// Whether it was hidden, so that its stars did not count.
        hidden: bool,
    },
    /// It was reported.
    #[serde(rename = "review.flagged", rename_all = "camelCase")]
    Flagged {
        /// Why, in the words of whoever reported it.
        reason: Personal,
    },
    /// A moderator looked at the reports and let it stand.
    #[serde(rename = "review.unflagged", rename_all = "camelCase")]
    Unflagged {
        /// How many reports that answers.
        flags: u32,
    },
    /// A moderator hid it.
    #[serde(rename = "review.hidden", rename_all = "camelCase")]
    Hidden {
        /// The stars that do not count for now.
        rating: Rating,
        /// Why.
        reason: String,
    },
    /// A moderator showed it again.
    #[serde(rename = "review.restored", rename_all = "camelCase")]
    Restored {
        /// The stars that count again.
        rating: Rating,
    },
    /// The vendor answered.
    #[serde(rename = "review.replied", rename_all = "camelCase")]
    Replied {
        /// What.
        body: String,
    },
}

impl Event {
    /// The type under which the log keeps it.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Submitted { .. } => "review.submitted",
            Self::Edited { .. } => "review.edited",
            Self::Retracted { .. } => "review.retracted",
            Self::Flagged { .. } => "review.flagged",
            Self::Unflagged { .. } => "review.unflagged",
            Self::Hidden { .. } => "review.hidden",
            Self::Restored { .. } => "review.restored",
            Self::Replied { .. } => "review.replied",
        }
    }
}

/// Why a review refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The author never had it installed.
    #[error("only someone who has installed this plugin reviews it")]
    NotInstalled,
    /// A vendor never reviews its own plugin.
    #[error("a vendor never reviews its own plugin")]
    OwnPlugin,
    /// No such review.
    #[error("this review does not exist")]
    NotFound,
}

/// Decides about reviews, on streams `review-`.
pub struct Reviews;

impl Decider for Reviews {
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const CATEGORY: Category = Category::Review;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Error> {
        Ok(match (state, command) {
            (_, Command::Write { own_plugin: true, .. }) => return Err(Error::OwnPlugin),
            (_, Command::Write { installed: None, .. }) => return Err(Error::NotInstalled),
            (State::Live(review), Command::Write { rating, title, body, .. }) if review.says(rating, &title, &body) => {
                vec![]
            }
            (State::Live(review), Command::Write { rating, title, body, .. }) => {
                vec![Event::Edited { rating, previous_rating: review.rating, title, body, hidden: review.hidden }]
            }
            (_, Command::Write { user, plugin, vendor, rating, title, body, installed: Some(version), .. }) => {
                vec![Event::Submitted {
                    user_id: user,
                    plugin_id: plugin,
                    vendor_id: vendor,
                    rating,
                    title,
                    body,
                    installed_version: version,
                }]
            }
            (State::Retracted, Command::Retract) => vec![],
            (State::Absent | State::Retracted, _) => return Err(Error::NotFound),
            (State::Live(review), Command::Retract) => {
                vec![Event::Retracted { rating: review.rating, hidden: review.hidden }]
            }
            // Nobody sees a hidden review, so nobody has cause to report it or to hide it.
            (State::Live(review), Command::Flag { .. } | Command::Hide { .. }) if review.hidden => vec![],
            (State::Live(_), Command::Flag { reason }) => vec![Event::Flagged { reason }],
            // Of a hidden one the moderators have decided already.
            (State::Live(review), Command::Unflag) if review.hidden || review.flags == 0 => vec![],
            (State::Live(review), Command::Unflag) => vec![Event::Unflagged { flags: review.flags }],
            (State::Live(review), Command::Hide { reason }) => vec![Event::Hidden { rating: review.rating, reason }],
            (State::Live(review), Command::Restore) if !review.hidden => vec![],
            (State::Live(review), Command::Restore) => vec![Event::Restored { rating: review.rating }],
            (State::Live(review), Command::Reply { body }) if review.reply.as_ref() == Some(&body) => vec![],
            (State::Live(_), Command::Reply { body }) => vec![Event::Replied { body }],
        })
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (State::Absent | State::Retracted, Event::Submitted { rating, title, body, .. }) => State::Live(Review {
                rating: *rating,
                title: title.clone(),
                body: body.clone(),
                hidden: false,
                flags: 0,
                reply: None,
            }),
            (State::Live(_), Event::Retracted { .. }) => State::Retracted,
            (State::Live(mut review), event) => {
                review.apply(event);
                State::Live(review)
            }
            (state, _) => state,
        }
    }
}

#[cfg(test)]
mod tests;
