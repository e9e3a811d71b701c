//! Tensors of labels, data sets, loaders.

use std::rc::Rc;

use crate::program::array::{Array, Coding, Pixels};
use crate::python::Interpreter;
use crate::python::value::{Arguments, Dataset, Value};

pub(super) fn call<'a>(
    this: &mut Interpreter<'a>,
    module: &str,
    name: &str,
    arguments: &Arguments<'a>,
) -> Option<Value<'a>> {
    let at = arguments.at;
    let labels = |coding| Value::Array(Rc::new(Array::labels(coding, at)));
    let first = || {
        arguments
            .value(0, &["data", "dataset", "input"])
            .unwrap_or(Value::Unknown)
    };
    Some(match (module, name) {
        ("torch", "randint") => {
            let values: Vec<_> = arguments
                .all
                .iter()
                .map(|argument| &argument.value)
                .collect();
            let (low, high, size) = match values[..] {
                [Value::Int(low), Value::Int(high), size, ..] => (*low, *high, size),
                [Value::Int(high), size, ..] => (0, *high, size),
                _ => return Some(Value::Unknown),
            };
            let shape = this.shape(size);
            labels(Coding::random(low, high, shape))
        }
        (
            "torch",
            "tensor" | "as_tensor" | "Tensor" | "LongTensor" | "FloatTensor" | "from_numpy",
        ) => {
            let value = first();
            crate::data::literal(this, &value, at).unwrap_or(Value::Unknown)
        }
        ("torch", "rand") => labels(Coding::Continuous {
            low: Some(0.0),
            high: Some(1.0),
        }),
        ("torch", "randn") => labels(Coding::Continuous {
            low: Some(f64::NEG_INFINITY),
            high: Some(f64::INFINITY),
        }),
        ("torch.nn.functional", "one_hot") => {
            let classes = arguments
                .value(1, &["num_classes"])
                .and_then(|classes| classes.count());
            labels(Coding::OneHot { classes })
        }
        ("torch.utils.data", "DataLoader") => first(),
        ("torch.utils.data", "random_split") => match this.parts(arguments) {
            Some(parts) => Value::Tuple(vec![first(); parts].into()),
            None => Value::Unknown,
        },
        ("torch.utils.data", "Subset") => first(),
        ("torch.utils.data", "TensorDataset") => {
            let array = |position: usize| {
                arguments
                    .all
                    .get(position)
                    .and_then(|argument| argument.value.array().cloned())
            };
            if arguments.all.len() != 2 {
                return Some(Value::Unknown);
            }
            Value::Dataset(Rc::new(Dataset {
                inputs: array(0),
                labels: array(1),
                elements: true,
            }))
        }
        ("torchvision.datasets", _) => {
            if arguments.named(&["target_transform"]).is_some() || arguments.open {
                return Some(Value::Unknown);
            }
            let classes = match name {
                "MNIST" | "FashionMNIST" | "KMNIST" | "CIFAR10" | "SVHN" | "STL10" => Some(10),
                "CIFAR100" => Some(100),
                "ImageFolder" => None,
                _ => return Some(Value::Unknown),
            };
            Value::Dataset(Rc::new(Dataset {
                inputs: Some(Array::images(Pixels::Unknown, at)),
                labels: Some(Array::labels(
                    Coding::Integer {
                        low: Some(0),
                        classes,
                    },
                    at,
                )),
                elements: true,
            }))
        }
        _ => return None,
    })
}

impl<'a> Interpreter<'a> {
    /// Into how many parts `random_split` splits.
    fn parts(&self, arguments: &Arguments<'a>) -> Option<usize> {
        let lengths = arguments.find(1, &["lengths"])?;
        Some(self.items(&lengths.value)?.len())
    }
}
