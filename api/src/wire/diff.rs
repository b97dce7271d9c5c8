//! What an update changes.

use serde::Serialize;
use serde_json::Value;
use souk_app::diff as app;
use souk_domain::validation::Finding;
use utoipa::ToSchema;
use uuid::Uuid;

use super::vocabulary;

/// What a version changes against another.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct VersionDiff {
    /// Id of the plugin.
    pub plugin: Uuid,
    /// Against which version.
    #[schema(example = "1.0.0")]
    pub from: String,
    /// Which version.
    #[schema(example = "1.1.0")]
    pub to: String,
    /// Whether what is in the files is told. Else texts are `withheld`, and fields of the manifest have no values.
    pub contents: bool,
    /// What changes.
    #[serde(flatten)]
    pub comparison: Comparison,
}

/// What changes from one package to another.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = VersionComparison)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// Files that change, by path, the first 1,000.
    pub files: Listed<FileChange>,
    /// How many files stay what they are.
    pub unchanged_files: usize,
    /// Fields of the manifest that change, but for `version` and `capabilities`.
    pub manifest: Vec<FieldChange>,
    /// What it asks to be allowed that it did not before, and the other way round.
    pub capabilities: Vec<CapabilityChange>,
    /// Packages of others that it uses otherwise, the first 200.
    pub dependencies: Listed<DependencyChange>,
    /// What validations found; null while one of the two versions has no report.
    pub findings: Option<FindingChanges>,
    /// What could happen, apart from what was found.
    pub risk: BeforeAndAfter<Risk>,
    /// 0 to 100.
    pub confidence: BeforeAndAfter<u8>,
}

/// Things of which there may be very many.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Listed<T> {
    /// How many there are.
    pub count: usize,
    /// The first of them.
    pub items: Vec<T>,
}

/// Something before and after; null while a version has no report.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct BeforeAndAfter<T> {
    /// Before.
    pub from: Option<T>,
    /// After.
    pub to: Option<T>,
}

/// What became of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DiffChange)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another one.
    Changed,
}

/// A file that changes.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FileChange {
    /// Its path in the archive.
    #[schema(example = "SKILL.md")]
    pub path: String,
    /// What became of it.
    pub change: Change,
    /// What it was.
    pub from: Option<FileState>,
    /// What it is.
    pub to: Option<FileState>,
    /// What changes in it.
    #[serde(flatten)]
    pub text: TextChange,
}

/// A file as it is or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FileState {
    /// Bytes.
    pub size: u64,
    /// SHA-256, hex.
    pub sha256: String,
}

/// What changes in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TextChange {
    /// A unified diff without names of files; null where there is none.
    pub diff: Option<String>,
    /// Why there is none; null where there is one.
    pub omitted: Option<Omitted>,
}

/// Why a diff is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Omitted {
    /// The file is not UTF-8 text.
    Binary,
    /// It has more than 256 KiB, its diff more than 64, or there is very much already.
    TooLarge,
    /// The reader has no right to it.
    Withheld,
}

/// A field of a manifest that changes.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FieldChange {
    /// Which.
    #[schema(example = "summary")]
    pub field: String,
    /// What became of it.
    pub change: Change,
    /// What it was; null where it was not there, has more than 4 KiB, or is not for the reader.
    #[schema(value_type = Option<Object>)]
    pub from: Option<Value>,
    /// What it is; likewise.
    #[schema(value_type = Option<Object>)]
    pub to: Option<Value>,
}

/// How a capability changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CapabilityReach)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Asked for anew.
    Added,
    /// More than before of the same sort.
    Widened,
    /// Less than before of the same sort.
    Narrowed,
    /// No longer asked for.
    Removed,
}

/// A capability that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CapabilityChange {
    /// `network`, `folders`, `secrets`, `memoryMiB`, `timeSeconds`; `names` in older manifests.
    #[schema(example = "network")]
    pub capability: &'static str,
    /// How.
    pub change: Reach,
    /// What was asked for, as far as `to` stands for it; empty where it is new.
    #[schema(example = json!(["api.example.com"]))]
    pub from: Vec<String>,
    /// What is asked for; empty where it is gone.
    #[schema(example = json!(["*.example.com"]))]
    pub to: Vec<String>,
}

/// A package of others that is used otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DependencyChange {
    /// `npm`, `pypi` or `cargo`.
    #[schema(example = "npm")]
    pub ecosystem: &'static str,
    /// Its name.
    #[schema(example = "express")]
    pub name: String,
    /// What became of it.
    pub change: Change,
    /// Exact versions that were named; empty where that was left open.
    pub from: Vec<String>,
    /// Exact versions that are named; empty where that is left open.
    pub to: Vec<String>,
}

/// Findings by what became of them. The same rule at the same place is the same finding; each list has the first 200, the worst first.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FindingChanges {
    /// Not there before.
    #[schema(value_type = Listed<vocabulary::Finding>)]
    pub new: Listed<Finding>,
    /// Not there any more.
    #[schema(value_type = Listed<vocabulary::Finding>)]
    pub gone: Listed<Finding>,
    /// Still there.
    #[schema(value_type = Listed<vocabulary::Finding>)]
    pub unchanged: Listed<Finding>,
}

/// What could happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = VersionRisk)]
pub struct Risk {
    /// `low`, `medium`, `high` or `critical`.
    #[schema(example = "medium")]
    pub level: &'static str,
    /// Why, the most serious first.
    pub reasons: Vec<String>,
}

impl<T> Listed<T> {
    fn of<U: Into<T>>(listed: app::Listed<U>) -> Self {
        Self { count: listed.count, items: listed.items.into_iter().map(Into::into).collect() }
    }
}

impl<T> BeforeAndAfter<T> {
    fn of<U: Into<T>>([from, to]: [Option<U>; 2]) -> Self {
        Self { from: from.map(Into::into), to: to.map(Into::into) }
    }
}

impl From<app::Update> for VersionDiff {
    fn from(update: app::Update) -> Self {
        Self {
            plugin: update.plugin.uuid(),
            from: update.from.to_string(),
            to: update.to.to_string(),
            contents: update.contents,
            comparison: update.comparison.into(),
        }
    }
}

impl From<app::Comparison> for Comparison {
    fn from(compared: app::Comparison) -> Self {
        Self {
            files: Listed::of(compared.files),
            unchanged_files: compared.unchanged_files,
            manifest: compared.manifest.into_iter().map(Into::into).collect(),
            capabilities: compared.capabilities.into_iter().map(Into::into).collect(),
            dependencies: Listed::of(compared.dependencies),
            findings: compared.findings.map(Into::into),
            risk: BeforeAndAfter::of(compared.risk),
            confidence: BeforeAndAfter::of(compared.confidence),
        }
    }
}

impl From<app::Change> for Change {
    fn from(change: app::Change) -> Self {
        match change {
            app::Change::Added => Self::Added,
            app::Change::Removed => Self::Removed,
            app::Change::Changed => Self::Changed,
        }
    }
}

impl From<app::FileChange> for FileChange {
    fn from(file: app::FileChange) -> Self {
        let app::FileChange { path, change, from, to, text } = file;
        let state = |file: app::File| FileState { size: file.size, sha256: file.sha256 };
        Self { path, change: change.into(), from: from.map(state), to: to.map(state), text: text.into() }
    }
}

impl From<app::Text> for TextChange {
    fn from(text: app::Text) -> Self {
        let omitted = |why| Self { diff: None, omitted: Some(why) };
        match text {
            app::Text::Unified(diff) => Self { diff: Some(diff), omitted: None },
            app::Text::Binary => omitted(Omitted::Binary),
            app::Text::TooLarge => omitted(Omitted::TooLarge),
            app::Text::Withheld => omitted(Omitted::Withheld),
        }
    }
}

impl From<app::FieldChange> for FieldChange {
    fn from(change: app::FieldChange) -> Self {
        Self { field: change.field, change: change.change.into(), from: change.from, to: change.to }
    }
}

impl From<app::CapabilityChange> for CapabilityChange {
    fn from(change: app::CapabilityChange) -> Self {
        let app::CapabilityChange { capability, change, from, to } = change;
        let change = match change {
            app::Reach::Added => Reach::Added,
            app::Reach::Widened => Reach::Widened,
            app::Reach::Narrowed => Reach::Narrowed,
            app::Reach::Removed => Reach::Removed,
        };
        Self { capability, change, from, to }
    }
}

impl From<app::DependencyChange> for DependencyChange {
    fn from(change: app::DependencyChange) -> Self {
        let app::DependencyChange { ecosystem, name, change, from, to } = change;
        Self { ecosystem, name, change: change.into(), from, to }
    }
}

impl From<app::Findings> for FindingChanges {
    fn from(findings: app::Findings) -> Self {
        let app::Findings { new, gone, unchanged } = findings;
        Self { new: Listed::of(new), gone: Listed::of(gone), unchanged: Listed::of(unchanged) }
    }
}

impl From<app::Risk> for Risk {
    fn from(risk: app::Risk) -> Self {
        Self { level: risk.level.name(), reasons: risk.reasons }
    }
}
