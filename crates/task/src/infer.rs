//! From the labels of a data set to the task they call for, with the reason in a sentence.

use crate::column::{Profile, Reading, sort_names};
use crate::labels::{
    Column, LabelError, LabelSource, RawLabels, Targets, counts, quoted, separated,
};
use crate::{Task, TaskError, TaskKind, near_names};

/// What the user says about the task; everything left open is inferred.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The kind of task.
    pub kind: Option<TaskKind>,
    /// The columns that hold the labels.
    pub label_columns: Vec<String>,
    /// Which of two classes the single output of a binary task stands for.
    pub positive: Option<String>,
}

/// The task of a data set, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Inference {
    /// The task.
    pub task: Task,
    /// Where its labels stand in the data.
    pub source: LabelSource,
    /// The labels as numbers, one row per sample.
    pub targets: Targets,
    /// Why this task, in one sentence: "regression: column `price` holds 412 different numbers".
    pub reason: String,
    /// What to type if it is wrong.
    pub way_out: String,
    /// What looks like a slip in the labels but can be trained on.
    pub warnings: Vec<String>,
}

/// Why no task follows from the labels.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum InferError {
    /// A single class.
    #[error("expected labels that differ, found only `{name}` in {place}")]
    #[diagnostic(help(
        "a model learns from differences: add images of a second class, or name another label column"
    ))]
    OneClass {
        /// The only label.
        name: String,
        /// Folder or column.
        place: String,
    },
    /// Several columns could be the labels.
    #[error("several columns could be the label: {columns}")]
    #[diagnostic(help("say which with --label-column NAME (several times for several labels)"))]
    AmbiguousColumns {
        /// Each column with the task it would make.
        columns: String,
    },
    /// No column is left for labels.
    #[error("the table has no column that could be a label")]
    #[diagnostic(help("add a column with the label of each image"))]
    NoLabelColumn,
    /// A column that does not exist.
    #[error("there is no column `{name}`; the columns are {columns}{near}")]
    #[diagnostic(help("give --label-column one of these names"))]
    UnknownColumn {
        /// The name asked for.
        name: String,
        /// The columns that are there.
        columns: String,
        /// "; did you mean …", or nothing.
        near: String,
    },
    /// Columns that do not make one task together.
    #[error("the columns {columns} do not make one task together")]
    #[diagnostic(help("several label columns are either all 0 or 1, or all numbers"))]
    MixedColumns {
        /// Each column with the task it would make.
        columns: String,
    },
    /// The column looks like an identifier.
    #[error(
        "column `{column}` holds {distinct} different names in {rows} rows: it looks like an identifier, not a label"
    )]
    #[diagnostic(help(
        "name another column with --label-column, or say --task multi-class if it is the label"
    ))]
    Identifier {
        /// The column.
        column: String,
        /// Different cells.
        distinct: usize,
        /// Rows.
        rows: usize,
    },
    /// The labels cannot be read as the kind that was asked for.
    #[error("--task {kind} does not fit: {why}")]
    #[diagnostic(help("{way_out}"))]
    DoesNotFit {
        /// The kind asked for.
        kind: TaskKind,
        /// Expected and found.
        why: String,
        /// What to type instead.
        way_out: String,
    },
    /// The positive class is not one of the two.
    #[error("expected one of {expected} as the positive class, found `{found}`")]
    #[diagnostic(help("give --positive one of these names"))]
    UnknownPositive {
        /// The two classes.
        expected: String,
        /// The name asked for.
        found: String,
    },
    /// A label that cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Label(#[from] LabelError),
    /// Names that cannot make a task.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Task(#[from] TaskError),
}

/// Infers the task of a data set.
///
/// `place` names where sample `i` stands ("photos.csv:12"), for errors.
///
/// ```
/// use finial_task::{Column, RawLabels, Request, TaskKind, infer};
///
/// let cells = ["1.5", "2.25", "0.5", "7.125"].map(String::from).to_vec();
/// let labels = RawLabels::Table(vec![Column { name: "price".into(), cells }]);
/// let inference = infer(&labels, &Request::default(), &|row| format!("line {row}"))?;
/// assert_eq!(inference.task.kind(), TaskKind::Regression);
/// assert_eq!(inference.reason, "regression: column `price` holds 4 different decimal numbers");
/// # Ok::<(), finial_task::InferError>(())
/// ```
///
/// # Errors
/// See [`InferError`]; each names the column, or the file and line, and the way out.
pub fn infer(
    labels: &RawLabels,
    request: &Request,
    place: &dyn Fn(usize) -> String,
) -> Result<Inference, InferError> {
    let draft = match labels {
        RawLabels::Folders(names) => from_folders(names, request)?,
        RawLabels::Table(columns) => from_table(columns, request, place)?,
    };
    let targets = draft.source.read(&draft.task, labels, place)?;
    let warnings = names_that_differ_by_case(&draft.task);
    let way_out = match request.kind {
        Some(_) => "leave --task away to have it inferred".to_owned(),
        None => draft.way_out,
    };
    Ok(Inference {
        reason: format!("{}: {}", draft.task.kind(), draft.reason),
        task: draft.task,
        source: draft.source,
        targets,
        way_out,
        warnings,
    })
}

/// An inference before the labels are read.
struct Draft {
    task: Task,
    source: LabelSource,
    reason: String,
    way_out: String,
}

fn from_folders(names: &[String], request: &Request) -> Result<Draft, InferError> {
    let counts = counts(names.iter().map(String::as_str));
    let mut classes: Vec<&str> = counts.keys().copied().collect();
    sort_names(&mut classes);
    if request.kind == Some(TaskKind::Regression) {
        return Ok(Draft {
            task: Task::regression(["value"])?,
            source: LabelSource::Folders,
            reason: "as asked, the folders' names are read as numbers".to_owned(),
            way_out: String::new(),
        });
    }
    if request.kind == Some(TaskKind::MultiLabel) {
        return Ok(Draft {
            task: Task::multi_label(classes)?,
            source: LabelSource::Folders,
            reason: "as asked, each folder is a label of its own".to_owned(),
            way_out: String::new(),
        });
    }
    let (task, mut reason) = exclusive(&classes, request, "the folder")?;
    reason.push_str(", and an image lies in one folder only");
    Ok(Draft {
        task,
        source: LabelSource::Folders,
        reason,
        way_out:
            "if an image can carry several labels, use a table with a column such as `cat|dog`"
                .to_owned(),
    })
}

fn from_table(
    columns: &[Column],
    request: &Request,
    place: &dyn Fn(usize) -> String,
) -> Result<Draft, InferError> {
    let chosen = choose_columns(columns, request)?;
    match chosen.as_slice() {
        [] => Err(InferError::NoLabelColumn),
        [column] => from_column(column, request, place),
        several => from_columns(several, request),
    }
}

/// The label columns: those asked for, the only one, all if they are flags or decimals, or the
/// one whose heading says so.
fn choose_columns<'a>(
    columns: &'a [Column],
    request: &Request,
) -> Result<Vec<&'a Column>, InferError> {
    const HEADINGS: [&str; 10] = [
        "label", "labels", "class", "classes", "category", "target", "tags", "keywords", "species",
        "y",
    ];
    if !request.label_columns.is_empty() {
        let find = |name: &String| {
            columns.iter().find(|c| c.name == *name).ok_or_else(|| {
                let known = || columns.iter().map(|c| c.name.as_str());
                let near = near_names(name, known());
                InferError::UnknownColumn {
                    name: name.clone(),
                    columns: quoted(known()),
                    near: match near.first() {
                        Some(near) => format!("; did you mean `{near}`?"),
                        None => String::new(),
                    },
                }
            })
        };
        return request.label_columns.iter().map(find).collect();
    }
    if columns.len() < 2 {
        return Ok(columns.iter().collect());
    }
    let profiles: Vec<Profile> = columns.iter().map(Profile::of).collect();
    if profiles.iter().all(Profile::is_flag) {
        return Ok(columns.iter().collect());
    }
    let headed: Vec<&Column> = columns
        .iter()
        .filter(|c| HEADINGS.contains(&c.name.to_lowercase().as_str()))
        .collect();
    if let [one] = headed.as_slice() {
        return Ok(vec![one]);
    }
    let decimal = |p: &Profile| p.reading() == Reading::Numbers && !p.whole;
    if profiles.iter().all(decimal) {
        return Ok(columns.iter().collect());
    }
    Err(InferError::AmbiguousColumns {
        columns: describe_columns(&profiles),
    })
}

/// One column of labels.
fn from_column(
    column: &Column,
    request: &Request,
    place: &dyn Fn(usize) -> String,
) -> Result<Draft, InferError> {
    let profile = Profile::of(column);
    let heading = format!("column `{}`", column.name);
    let distinct = profile.distinct.len();
    let reading = match (request.kind, profile.reading()) {
        (_, Reading::Constant) => {
            return Err(InferError::OneClass {
                name: profile.distinct.first().copied().unwrap_or("").to_owned(),
                place: heading,
            });
        }
        (Some(TaskKind::Regression), _) => Reading::Numbers,
        (Some(TaskKind::MultiLabel), _) => Reading::SeparatedNames,
        (Some(TaskKind::MultiClass | TaskKind::Binary), _) => Reading::Names,
        (None, reading) => reading,
    };
    let names = |reason: String, way_out: &str| -> Result<Draft, InferError> {
        let (task, found) = exclusive(&profile.distinct, request, &heading)?;
        Ok(Draft {
            task,
            source: LabelSource::Names {
                column: column.name.clone(),
            },
            reason: found + &reason,
            way_out: way_out.to_owned(),
        })
    };
    let numbers = |reason: String, way_out: &str| -> Result<Draft, InferError> {
        if let Some((row, cell)) = profile.first_text {
            return Err(InferError::Label(LabelError::NotANumber {
                place: place(row),
                column: column.name.clone(),
                found: cell.to_owned(),
            }));
        }
        Ok(Draft {
            task: Task::regression([column.name.clone()])?,
            source: LabelSource::Numbers {
                columns: vec![column.name.clone()],
            },
            reason,
            way_out: way_out.to_owned(),
        })
    };
    match reading {
        Reading::Identifier => Err(InferError::Identifier {
            column: column.name.clone(),
            distinct,
            rows: profile.rows,
        }),
        Reading::SeparatedNames => {
            let separator = profile.separator.unwrap_or('|');
            let cells = column.cells.iter().map(String::as_str);
            let labels = counts(cells.flat_map(|cell| separated(cell, separator)));
            let mut labels: Vec<&str> = labels.into_keys().collect();
            sort_names(&mut labels);
            let reason = match profile.separator {
                Some(separator) => format!(
                    "{heading} holds any number of {} labels, separated by `{separator}`",
                    labels.len()
                ),
                None => format!("as asked, {heading} holds any of {} labels", labels.len()),
            };
            Ok(Draft {
                task: Task::multi_label(labels)?,
                source: LabelSource::SeparatedNames {
                    column: column.name.clone(),
                    separator,
                },
                reason,
                way_out: "if each cell is one name, say --task multi-class".to_owned(),
            })
        }
        Reading::TwoNames | Reading::Names | Reading::Constant => names(
            String::new(),
            "if the names are numbers to be estimated, say --task regression; if labels can occur \
             together, say --task multi-label",
        ),
        Reading::WholeNumbersAsNames => names(
            " that are whole numbers without a gap, taken as names of classes".to_owned(),
            "if they are amounts or grades to be estimated, say --task regression",
        ),
        Reading::WholeNumbersAsNumbers => numbers(
            format!("{heading} holds {distinct} different whole numbers, taken as amounts"),
            "if they are names of classes, say --task multi-class",
        ),
        Reading::Numbers => numbers(
            format!(
                "{heading} holds {distinct} different {} numbers",
                if profile.whole { "whole" } else { "decimal" }
            ),
            "if they are names of classes, say --task multi-class",
        ),
    }
}

/// Several columns of labels: flags make a multi-label task, numbers a regression.
fn from_columns(columns: &[&Column], request: &Request) -> Result<Draft, InferError> {
    let profiles: Vec<Profile> = columns.iter().map(|c| Profile::of(c)).collect();
    let names: Vec<String> = columns.iter().map(|c| c.name.clone()).collect();
    let flags = profiles.iter().all(Profile::is_flag);
    let numbers = profiles.iter().all(Profile::is_mostly_numbers);
    match request.kind {
        None | Some(TaskKind::MultiLabel) if flags => Ok(Draft {
            task: Task::multi_label(names.clone())?,
            reason: format!("{} columns hold 0 or 1", names.len()),
            source: LabelSource::Flags { columns: names },
            way_out: "if only one column is the label, name it with --label-column".to_owned(),
        }),
        None | Some(TaskKind::Regression) if numbers => Ok(Draft {
            task: Task::regression(names.clone())?,
            reason: format!("{} columns hold numbers", names.len()),
            source: LabelSource::Numbers { columns: names },
            way_out: "if only one column is the label, name it with --label-column".to_owned(),
        }),
        None => Err(InferError::MixedColumns {
            columns: describe_columns(&profiles),
        }),
        Some(kind) => Err(InferError::DoesNotFit {
            kind,
            why: format!(
                "expected {}, found {}",
                match kind {
                    TaskKind::MultiLabel => "columns of 0 or 1",
                    TaskKind::Regression => "columns of numbers",
                    TaskKind::MultiClass | TaskKind::Binary => "one column of names",
                },
                describe_columns(&profiles)
            ),
            way_out: "name the right columns with --label-column".to_owned(),
        }),
    }
}

/// The task of exclusive names, and the sentence that says how many there are.
fn exclusive(names: &[&str], request: &Request, place: &str) -> Result<(Task, String), InferError> {
    let does_not_fit = |kind: TaskKind, expected: &str, other: &str| InferError::DoesNotFit {
        kind,
        why: format!("expected {expected}, found {} in {place}", names.len()),
        way_out: format!("say --task {other}, or leave --task away"),
    };
    match (names, request.kind) {
        ([], _) => Err(InferError::NoLabelColumn),
        ([one], _) => Err(InferError::OneClass {
            name: (*one).to_owned(),
            place: place.to_owned(),
        }),
        ([_, _], Some(TaskKind::MultiClass)) => Err(does_not_fit(
            TaskKind::MultiClass,
            "three or more names",
            "binary",
        )),
        ([a, b], _) => {
            let (negative, positive) = order(a, b, request.positive.as_deref())?;
            let reason = format!(
                "{place} gives one of two names, `{negative}` or `{positive}` (the output is the \
                 probability of `{positive}`)"
            );
            Ok((Task::binary(negative, positive)?, reason))
        }
        (_, Some(TaskKind::Binary)) => {
            Err(does_not_fit(TaskKind::Binary, "two names", "multi-class"))
        }
        (names, _) => Ok((
            Task::multi_class(names.iter().copied())?,
            format!("{place} gives one of {} names", names.len()),
        )),
    }
}

/// Negative and positive of two names: as asked; else the name that means "no" is the negative;
/// else in alphabetical order, as Keras counts them.
fn order<'a>(
    a: &'a str,
    b: &'a str,
    positive: Option<&str>,
) -> Result<(&'a str, &'a str), InferError> {
    match positive {
        Some(name) if name == a => Ok((b, a)),
        Some(name) if name == b => Ok((a, b)),
        Some(name) => Err(InferError::UnknownPositive {
            expected: quoted([a, b]),
            found: name.to_owned(),
        }),
        None if means_no(b) && !means_no(a) => Ok((b, a)),
        None => Ok((a, b)),
    }
}

fn means_no(name: &str) -> bool {
    const WORDS: [&str; 20] = [
        "no",
        "not",
        "non",
        "none",
        "without",
        "false",
        "0",
        "negative",
        "neg",
        "normal",
        "healthy",
        "ok",
        "good",
        "absent",
        "background",
        "control",
        "functional",
        "benign",
        "other",
        "intact",
    ];
    name.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .find(|word| !word.is_empty())
        .is_some_and(|word| WORDS.contains(&word))
}

fn describe_columns(profiles: &[Profile]) -> String {
    let describe = |p: &Profile| {
        let task = match p.reading() {
            Reading::Constant => "always the same",
            Reading::Identifier => "an identifier",
            Reading::TwoNames => "binary",
            Reading::Names | Reading::WholeNumbersAsNames => "multi-class",
            Reading::SeparatedNames => "multi-label",
            Reading::Numbers | Reading::WholeNumbersAsNumbers => "regression",
        };
        format!("`{}` ({task})", p.name)
    };
    profiles.iter().map(describe).collect::<Vec<_>>().join(", ")
}

fn names_that_differ_by_case(task: &Task) -> Vec<String> {
    let mut names: Vec<(String, &str)> = task
        .names()
        .iter()
        .map(|name| (name.to_lowercase(), name.as_str()))
        .collect();
    names.sort_unstable();
    names
        .windows(2)
        .filter(|pair| pair[0].0 == pair[1].0)
        .map(|pair| {
            format!(
                "`{}` and `{}` differ only in capitals and are taken as two names",
                pair[0].1, pair[1].1
            )
        })
        .collect()
}
