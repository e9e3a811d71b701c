//! Nothing that a file may hold makes it panic, and nothing takes long.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use finial_check::{Options, check, check_text};

fn corpus() -> Vec<String> {
    let mut texts = Vec::new();
    for half in ["right", "wrong"] {
        for entry in std::fs::read_dir(format!("corpus/{half}")).unwrap() {
            texts.push(std::fs::read_to_string(entry.unwrap().path()).unwrap());
        }
    }
    texts.sort();
    texts
}

fn look(text: &str) -> usize {
    check_text("train.py", text, &Options::default())
        .findings()
        .len()
}

#[test]
fn a_program_cut_off_anywhere_is_no_reason_to_panic() {
    for text in corpus() {
        for end in (0..text.len())
            .step_by(97)
            .filter(|end| text.is_char_boundary(*end))
        {
            look(&text[..end]);
        }
    }
}

#[test]
fn a_program_without_some_of_its_lines_is_no_reason_to_panic() {
    for text in corpus() {
        let lines: Vec<_> = text.lines().collect();
        for step in 2..5 {
            let kept: Vec<_> = lines
                .iter()
                .enumerate()
                .filter(|(i, _)| i % step != 0)
                .map(|(_, line)| *line)
                .collect();
            look(&kept.join("\n"));
        }
    }
}

#[test]
fn arbitrary_bytes_are_no_reason_to_panic() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = 1_u32;
    for name in ["a.py", "b.ipynb"] {
        for _ in 0..50 {
            let bytes: Vec<u8> = (0..300)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    state.to_be_bytes()[0]
                })
                .collect();
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            check(&[path], &Options::default());
        }
    }
}

#[test]
fn deep_and_long_programs_end_soon() {
    let deep_calls = format!("{}1{}", "f(".repeat(3_000), ")".repeat(3_000));
    let deep_sums = format!("x = {}", "1 + ".repeat(20_000) + "1");
    let deep_blocks: String = (0..90)
        .map(|depth| format!("{}if a{depth}:\n", " ".repeat(depth)))
        .collect();
    let deep_blocks = deep_blocks + &" ".repeat(90) + "x = 1\n";
    let many_branches: String = (0..5_000)
        .map(|i| format!("if a:\n    x{i} = {i}\nelse:\n    x{i} = 0\n"))
        .collect();
    let doubling = "x = [1]\n".to_owned() + &"x = x + x\n".repeat(100);
    let loops = "for a in range(30):\n for b in range(30):\n  for c in range(30):\n   for d in range(30):\n    x = a\n";
    let recursion = "def f(n):\n    return g(n) + g(n)\ndef g(n):\n    return f(n) + f(n)\nf(3)\n";
    let fan: String = (0..40)
        .map(|i| format!("def f{i}(x):\n    f{0}(x)\n    f{0}(x)\n", i + 1))
        .collect::<String>()
        + "f0(1)\n";
    let elifs = "if a:\n    x = 1\n".to_owned() + &"elif b:\n    x = 2\n".repeat(2_000);
    for text in [
        &deep_calls,
        &deep_sums,
        &deep_blocks,
        &many_branches,
        &doubling,
        loops,
        recursion,
        &fan,
        &elifs,
    ] {
        let start = Instant::now();
        look(text);
        assert!(start.elapsed() < Duration::from_secs(20), "{}", &text[..60]);
    }
}

#[test]
fn what_holds_itself_is_no_reason_to_overflow() {
    for text in [
        "if a:\n    x = []\n    x.append(x)\nelse:\n    x = []\n    x.append(x)\n",
        "class A:\n    def __init__(self):\n        self.me = self\nif a:\n    x = A()\nelse:\n    x = A()\n",
        "from torchvision import models\nnet = models.resnet18()\nnet.fc = net\ny = net(x)\n",
        "from torch import nn\nnet = nn.Sequential()\nnet.append(net)\ny = net(x)\n",
        "from keras import Sequential\nnet = Sequential()\nnet.add(net)\nnet.compile(loss='mse')\n",
    ] {
        look(text);
    }
    // Two of each, each held twice.
    let twice = |first: &str| {
        let lines = (0..40).map(|i| format!("    {first}{} = [{first}{i}, {first}{i}]\n", i + 1));
        format!(
            "    {first}0 = [1]\n{}    x = {first}40\n",
            lines.collect::<String>()
        )
    };
    let start = Instant::now();
    look(&format!("if c:\n{}else:\n{}", twice("a"), twice("b")));
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn what_cannot_be_read_is_said_and_gives_exit_status_2() {
    let report = check(&[PathBuf::from("no/such/file.py")], &Options::default());
    assert_eq!(report.exit_code(), 2);
    assert!(
        report
            .text(false)
            .contains("no/such/file.py: could not be read")
    );
}

#[test]
fn a_mutated_program_notebook_or_model_is_no_reason_to_panic() {
    let all = Options::new(vec!["ALL".to_owned()], Vec::new()).unwrap();
    let mut seeds: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    for folder in ["../../fuzz/corpus/check", "corpus/wrong"] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            seeds.push((path.clone(), std::fs::read(path).unwrap()));
        }
    }
    seeds.sort();
    let mut state = 7_u64;
    let mut draw = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for (path, seed) in &seeds {
        for _ in 0..40 {
            let mut bytes = seed.clone();
            for _ in 0..=draw(4) {
                let (at, length) = (draw(bytes.len()), draw(24));
                let end = (at + length).min(bytes.len());
                match draw(4) {
                    0 => bytes[at] = u8::try_from(draw(256)).unwrap(),
                    1 => drop(bytes.drain(at..end)),
                    2 => {
                        let piece = bytes[at..end].to_vec();
                        let to = draw(bytes.len());
                        bytes.splice(to..to, piece);
                    }
                    _ => drop(bytes.splice(at..end, *b"99999999999")),
                }
                if bytes.is_empty() {
                    break;
                }
            }
            let report = check_text(path, &String::from_utf8_lossy(&bytes), &all);
            let _ = (report.text(false), report.json(), report.sarif());
            for repaired in report.repaired() {
                repaired.diff();
            }
        }
    }
}

#[test]
fn a_file_that_is_no_text_is_not_looked_at() {
    let report = check_text("a.py", "x = 1\n\0\0", &Options::default());
    assert_eq!((report.exit_code(), report.files()), (2, 0));
}

#[test]
fn python_2_is_looked_at_as_far_as_it_parses() {
    let program = "
from keras.models import Sequential
from keras.layers.core import Dense
print 'building'
model = Sequential()
model.add(Dense(1, input_dim=3, activation='softmax'))
model.compile(loss='binary_crossentropy', optimizer='sgd')
print 'done', model
";
    let report = check_text("old.py", program, &Options::default());
    assert_eq!(report.findings()[0].code(), "FIN001");
    assert_eq!(report.findings()[0].position().line, 6);
    assert_eq!(report.skipped()[0].position.unwrap().line, 4);
    assert_eq!(report.exit_code(), 1);
}
