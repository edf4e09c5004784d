//! k-means clustering: the cost of some centroids, and the Newton direction from the gradient and the
//! diagonal of the Hessian.

use crate::input::Input;
use crate::work::{Eval, Work, compiled, nested};
use riesz::prelude::*;

/// The eval's functions.
pub const EVAL: Eval =
    Eval { name: "kmeans", functions: &[("cost", prepare_cost), ("dir", prepare_direction)] };

fn prepare_cost(input: &Input) -> Result<Box<dyn Work>> {
    compiled(|(p, c): (Var, Var)| cost(p, c), arguments(input)?, nested)
}

fn prepare_direction(input: &Input) -> Result<Box<dyn Work>> {
    compiled(|(p, c): (Var, Var)| direction(p, c), arguments(input)?, nested)
}

fn arguments(input: &Input) -> Result<(Tensor, Tensor)> {
    Ok((input.field("points")?.tensor(2)?, input.field("centroids")?.tensor(2)?))
}

/// The sum over the points of the square of the distance to the nearest centroid. Which one is
/// nearest shows in |c|² − 2⟨p,c⟩, a product of matrices; the distance is taken to that one only.
fn cost(points: Var, centroids: Var) -> Var {
    let lengths = centroids.square().sum_axes(&[1]);
    let nearest = (lengths - 2.0 * points.dot(centroids.t())).argmin(1);
    (points - centroids.take(nearest, 0)).square().sum()
}

/// The Hessian is diagonal: its product with ones has the diagonal.
fn direction(points: Var, centroids: Var) -> Var {
    let (gradient, diagonal) = jvp(grad(|c| cost(points, c)), centroids, centroids.ones_like());
    gradient / diagonal
}
