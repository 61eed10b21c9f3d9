//! Families of series whose children are all created at start.
//!
//! The `prometheus` crate hashes label values on every look-up. Here a label is an enum and a child is found by its
//! place in a slice, so moving a counter is one atomic addition. Creating all children at once also lets
//! `rate()` see the first event.

use std::{marker::PhantomData, ops::Index};

use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, core::Collector,
};

use crate::label::Label;

/// What a metric is, before any program runs.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    pub name: &'static str,
    pub help: &'static str,
    pub kind: Kind,
    /// Closed labels; `channel` comes before them where `per_channel` is set.
    pub labels: &'static [LabelDefinition],
    pub per_channel: bool,
    /// Upper bounds; empty for what is no histogram.
    pub buckets: &'static [f64],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// One label; no values means that they are known at start only (version, commit).
#[derive(Debug, Clone, Copy)]
pub struct LabelDefinition {
    pub name: &'static str,
    pub values: &'static [&'static str],
}

impl Definition {
    /// Label names in the order of their values.
    pub(crate) fn label_names(&self) -> Vec<&'static str> {
        self.per_channel.then_some("channel").into_iter().chain(self.labels.iter().map(|l| l.name)).collect()
    }
}

/// The three instruments, seen alike.
pub(crate) trait Metric: Clone {
    const KIND: Kind;
    type Vector: Collector + Clone + 'static;

    fn vector(definition: &Definition) -> prometheus::Result<Self::Vector>;
    fn child(vector: &Self::Vector, values: &[&str]) -> prometheus::Result<Self>;
}

impl Metric for IntCounter {
    const KIND: Kind = Kind::Counter;
    type Vector = IntCounterVec;

    fn vector(definition: &Definition) -> prometheus::Result<Self::Vector> {
        IntCounterVec::new(Opts::new(definition.name, definition.help), &definition.label_names())
    }

    fn child(vector: &Self::Vector, values: &[&str]) -> prometheus::Result<Self> {
        vector.get_metric_with_label_values(values)
    }
}

impl Metric for Gauge {
    const KIND: Kind = Kind::Gauge;
    type Vector = GaugeVec;

    fn vector(definition: &Definition) -> prometheus::Result<Self::Vector> {
        GaugeVec::new(Opts::new(definition.name, definition.help), &definition.label_names())
    }

    fn child(vector: &Self::Vector, values: &[&str]) -> prometheus::Result<Self> {
        vector.get_metric_with_label_values(values)
    }
}

impl Metric for Histogram {
    const KIND: Kind = Kind::Histogram;
    type Vector = HistogramVec;

    fn vector(definition: &Definition) -> prometheus::Result<Self::Vector> {
        let opts = HistogramOpts::new(definition.name, definition.help).buckets(definition.buckets.to_vec());
        HistogramVec::new(opts, &definition.label_names())
    }

    fn child(vector: &Self::Vector, values: &[&str]) -> prometheus::Result<Self> {
        vector.get_metric_with_label_values(values)
    }
}

/// The closed labels of a family: none, one or two.
pub(crate) trait Labels {
    /// Every combination of values, in the order of the children.
    fn combinations() -> Vec<Vec<&'static str>>;
}

impl Labels for () {
    fn combinations() -> Vec<Vec<&'static str>> {
        vec![vec![]]
    }
}

impl<A: Label> Labels for (A,) {
    fn combinations() -> Vec<Vec<&'static str>> {
        A::VALUES.iter().map(|a| vec![*a]).collect()
    }
}

impl<A: Label, B: Label> Labels for (A, B) {
    fn combinations() -> Vec<Vec<&'static str>> {
        A::VALUES.iter().flat_map(|a| B::VALUES.iter().map(|b| vec![*a, *b])).collect()
    }
}

/// All children of one metric; `family[Lane::Urgent]` is one of them.
pub(crate) struct Family<M, L> {
    children: Box<[M]>,
    labels: PhantomData<fn(L)>,
}

impl<M: Metric, L: Labels> Family<M, L> {
    pub(crate) const PER_CHANNEL: bool = false;

    pub(crate) fn register(
        registry: &prometheus::Registry,
        definition: &Definition,
    ) -> prometheus::Result<Self> {
        let vector = M::vector(definition)?;
        registry.register(Box::new(vector.clone()))?;
        Self::resolve(&vector, None)
    }

    fn resolve(vector: &M::Vector, channel: Option<&str>) -> prometheus::Result<Self> {
        let children = L::combinations()
            .into_iter()
            .map(|values| M::child(vector, &channel.into_iter().chain(values).collect::<Vec<_>>()))
            .collect::<prometheus::Result<_>>()?;
        Ok(Self { children, labels: PhantomData })
    }
}

impl<M, L> Family<M, L> {
    pub(crate) fn children(&self) -> &[M] {
        &self.children
    }
}

impl<M> std::ops::Deref for Family<M, ()> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.children[0]
    }
}

impl<M, A: Label> Index<A> for Family<M, (A,)> {
    type Output = M;

    fn index(&self, a: A) -> &M {
        &self.children[a.index()]
    }
}

impl<M, A: Label, B: Label> Index<(A, B)> for Family<M, (A, B)> {
    type Output = M;

    fn index(&self, (a, b): (A, B)) -> &M {
        &self.children[a.index() * B::VALUES.len() + b.index()]
    }
}

/// A metric that every channel has; its children come into being with the channel.
pub(crate) struct ChannelFamily<M: Metric, L> {
    vector: M::Vector,
    labels: PhantomData<fn(L)>,
}

impl<M: Metric, L: Labels> ChannelFamily<M, L> {
    pub(crate) const PER_CHANNEL: bool = true;

    pub(crate) fn register(
        registry: &prometheus::Registry,
        definition: &Definition,
    ) -> prometheus::Result<Self> {
        let vector = M::vector(definition)?;
        registry.register(Box::new(vector.clone()))?;
        Ok(Self { vector, labels: PhantomData })
    }

    pub(crate) fn resolve(&self, channel: &str) -> prometheus::Result<Family<M, L>> {
        Family::resolve(&self.vector, Some(channel))
    }
}
