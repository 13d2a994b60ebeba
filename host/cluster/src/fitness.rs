//! Whether the service behind a rule is fit on a host, as its health check says.
//!
//! It is apart from the load an operator gives: a host that is unfit takes no new connections of the rule, whatever its weight
//! or handling priority, and takes them as before when it is fit again. What nobody fit can take is a question of its own. If
//! the checks are right, any answer is as good as none; if they are wrong (a probe that every host fails after a change), to
//! take none would turn a fault of the check into an outage. So an unfit host says beside it whether it serves as a **last
//! resort**: while no host that may take the rule is fit, those of its last resort share it out by their loads.
//!
//! Every host says it for itself, in its weight slots. So whoever proposes an epoch comes to the same table.

/// Whether a service is fit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Fitness {
    /// It is, or nobody checks.
    #[default]
    Fit,
    /// It is not, and takes new connections only while no other host is fit.
    LastResort,
    /// It is not, and takes none.
    Unfit,
}
