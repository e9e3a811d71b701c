//! The way back, recorded by Burn's autodiff.

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::autodiff::{Autodiff, NodeId};
use burn::backend::tensor::FloatTensor;
use burn_flex::FlexTensor;

use super::{Kernels, Options, flex};

/// What the way back needs of the way forward.
#[derive(Clone, Debug)]
struct State {
    x: FlexTensor,
    weight: FlexTensor,
    /// Where there are limits, to know what was at one.
    output: Option<FlexTensor>,
    options: Options,
}

impl State {
    fn new(x: &FlexTensor, weight: &FlexTensor, output: &FlexTensor, options: Options) -> Self {
        let limited = options.limits.iter().any(|limit| limit.is_finite());
        State {
            x: x.clone(),
            weight: weight.clone(),
            output: limited.then(|| output.clone()),
            options,
        }
    }

    /// Registers the gradients of those that want one, and gives the one of the sums.
    fn back(
        &self,
        gradient: FlexTensor,
        [x, weight, bias]: [Option<NodeId>; 3],
        grads: &mut Gradients,
    ) -> FlexTensor {
        let options = &self.options;
        let gradient = flex::before_limits(gradient, self.output.as_ref(), options);
        let [of_x, of_weight] = [&self.x, &self.weight].map(flex::axes);
        if let Some(id) = x {
            let to = flex::of_input(of_x, &self.weight, &gradient, options);
            grads.register::<Flex>(id, to);
        }
        if let Some(id) = weight {
            let to = flex::of_weight(&self.x, of_weight, &gradient, options);
            grads.register::<Flex>(id, to);
        }
        if let Some(id) = bias {
            let to = flex::of_bias(of_x, of_weight, &gradient, options);
            grads.register::<Flex>(id, to);
        }
        gradient
    }
}

#[derive(Debug)]
struct Convolve;

impl Backward<Flex, 3> for Convolve {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node);
        let parents = ops.parents.map(|node| node.map(|node| node.id));
        ops.state.back(gradient, parents, grads);
    }
}

#[derive(Debug)]
struct ConvolveOnto;

impl Backward<Flex, 4> for ConvolveOnto {
    type State = State;

    fn backward(self, ops: Ops<State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node);
        let [x, weight, bias, residual] = ops.parents.map(|node| node.map(|node| node.id));
        let gradient = ops.state.back(gradient, [x, weight, bias], grads);
        if let Some(id) = residual {
            grads.register::<Flex>(id, gradient);
        }
    }
}

/// What the way back through scaled filters needs.
#[derive(Clone, Debug)]
struct Scaled {
    weight: FlexTensor,
    factor: FlexTensor,
}

#[derive(Debug)]
struct ScaleFilters;

impl Backward<Flex, 2> for ScaleFilters {
    type State = Scaled;

    fn backward(self, ops: Ops<Scaled, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node);
        let [weight, factor] = ops.parents.map(|node| node.map(|node| node.id));
        if let Some(id) = factor {
            let to = flex::filter_products(&gradient, &ops.state.weight);
            grads.register::<Flex>(id, to);
        }
        if let Some(id) = weight {
            let to = flex::scaled(&gradient, &ops.state.factor);
            grads.register::<Flex>(id, to);
        }
    }
}

impl<C: CheckpointStrategy> Kernels for Autodiff<Flex, C> {
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: Options,
    ) -> FloatTensor<Self> {
        let (x, x_node) = x.into_parts();
        let (weight, weight_node) = weight.into_parts();
        let (bias, bias_node) = bias.into_parts();
        let output = Flex::convolve(x.clone(), weight.clone(), bias, options);
        let nodes = [x_node, weight_node, bias_node];
        match Convolve.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let state = State::new(&x, &weight, &output, options);
                prepared.finish(state, output)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }

    fn convolve_onto(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        options: Options,
    ) -> FloatTensor<Self> {
        let (x, x_node) = x.into_parts();
        let (weight, weight_node) = weight.into_parts();
        let (bias, bias_node) = bias.into_parts();
        let (residual, residual_node) = residual.into_parts();
        let output = Flex::convolve_onto(x.clone(), weight.clone(), bias, residual, options);
        let nodes = [x_node, weight_node, bias_node, residual_node];
        match ConvolveOnto.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let state = State::new(&x, &weight, &output, options);
                prepared.finish(state, output)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }

    fn scale_filters(weight: FloatTensor<Self>, factor: FloatTensor<Self>) -> FloatTensor<Self> {
        let (weight, weight_node) = weight.into_parts();
        let (factor, factor_node) = factor.into_parts();
        let output = flex::scaled(&weight, &factor);
        let nodes = [weight_node, factor_node];
        match ScaleFilters.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(Scaled { weight, factor }, output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}
