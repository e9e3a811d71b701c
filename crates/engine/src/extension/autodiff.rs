//! The way back, recorded by Burn's autodiff.

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::autodiff::{Autodiff, NodeId};
use burn::backend::tensor::FloatTensor;
use burn_flex::FlexTensor;

use super::{Kernels, Options, Windows, flex};

/// A tensor with its node.
type Tracked = FloatTensor<Autodiff<Flex>>;

/// What the way back needs of the way forward.
#[derive(Clone, Debug)]
struct State {
    /// With its node, to find what came back to it from elsewhere.
    x: Tracked,
    weight: FlexTensor,
    /// Where there are limits, to know what was at one.
    output: Option<FlexTensor>,
    options: Options,
}

impl State {
    fn new(x: Tracked, weight: &FlexTensor, output: &FlexTensor, options: Options) -> Self {
        let limited = options.limits.iter().any(|limit| limit.is_finite());
        State {
            x,
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
        let own_x = self.x.primitive();
        let [of_x, of_weight] = [own_x, &self.weight].map(flex::axes);
        if let Some(id) = x {
            let to = flex::of_input(of_x, &self.weight, &gradient, options);
            add(grads, &self.x, id, to);
        }
        if let Some(id) = weight {
            let to = flex::of_weight(own_x, of_weight, &gradient, options);
            grads.register::<Flex>(id, to);
        }
        if let Some(id) = bias {
            let to = flex::of_bias(of_x, of_weight, &gradient, options);
            grads.register::<Flex>(id, to);
        }
        gradient
    }
}

/// Registers a map's gradient, with what is registered already. Burn would add them up one by one,
/// since the channels lie last.
fn add(grads: &mut Gradients, map: &Tracked, id: NodeId, gradient: FlexTensor) {
    let gradient = match grads.remove::<Flex>(map) {
        Some(before) => flex::sum(before, &gradient),
        None => gradient,
    };
    grads.register::<Flex>(id, gradient);
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
    /// And the residual.
    type State = (State, Tracked);

    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (state, own_residual) = &ops.state;
        let gradient = grads.consume::<Flex>(&ops.node);
        let [x, weight, bias, residual] = ops.parents.map(|node| node.map(|node| node.id));
        let gradient = state.back(gradient, [x, weight, bias], grads);
        if let Some(id) = residual {
            add(grads, own_residual, id, gradient);
        }
    }
}

/// What the way back through a pool needs.
#[derive(Clone, Debug)]
struct Pooled {
    x: Tracked,
    output: FlexTensor,
    windows: Windows,
}

#[derive(Debug)]
struct Pool;

impl Backward<Flex, 1> for Pool {
    type State = Pooled;

    fn backward(self, ops: Ops<Pooled, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node);
        let Pooled { x, output, windows } = &ops.state;
        let [parent] = ops.parents;
        if let Some(node) = parent {
            let to = flex::before_pool(x.primitive(), output, &gradient, windows);
            add(grads, x, node.id, to);
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
        let x_node = x.node();
        let (weight, weight_node) = weight.into_parts();
        let (bias, bias_node) = bias.into_parts();
        let output = Flex::convolve(x.primitive().clone(), weight.clone(), bias, options);
        let nodes = [x_node, weight_node, bias_node];
        match Convolve.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let state = State::new(x, &weight, &output, options);
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
        let x_node = x.node();
        let (weight, weight_node) = weight.into_parts();
        let (bias, bias_node) = bias.into_parts();
        let residual_node = residual.node();
        let (own_x, own_residual) = (x.primitive().clone(), residual.primitive().clone());
        let output = Flex::convolve_onto(own_x, weight.clone(), bias, own_residual, options);
        let nodes = [x_node, weight_node, bias_node, residual_node];
        match ConvolveOnto.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let state = State::new(x, &weight, &output, options);
                prepared.finish((state, residual), output)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }

    fn pool(x: FloatTensor<Self>, windows: Windows) -> FloatTensor<Self> {
        let output = Flex::pool(x.primitive().clone(), windows);
        match Pool.prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let state = Pooled {
                    x,
                    output: output.clone(),
                    windows,
                };
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
