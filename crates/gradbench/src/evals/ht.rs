//! Hand tracking: a hand of bones poses a mesh; residuals between points and the mesh, and their
//! Jacobian by the pose and by each point's own place on its triangle.

use crate::input::Input;
use crate::work::{Eval, Work, compiled, nested};
use riesz::prelude::*;
use std::rc::Rc;

/// The eval's functions.
pub const EVAL: Eval = Eval {
    name: "ht",
    functions: &[("objective", prepare_objective), ("jacobian", prepare_jacobian)],
};

/// The pose `[26]`, the barycentric coordinates `[points,2]` (none in the simple variant), and the
/// constants.
type Arguments<T> = (T, Option<T>, Constants<T>);

/// Bones relative to their parents and the inverses of their rest poses, both `[bones,4,4]`; vertices
/// at rest `[vertices,4]`; weights `[vertices,bones]`; measured points `[points,3]`; and their
/// vertices, `[points]` in the simple variant and `[points,3]` where they lie on triangles.
type Constants<T> = (T, T, T, T, T, T);

/// What shapes the program rather than its data.
struct Skeleton {
    parents: Vec<Option<usize>>,
    is_mirrored: bool,
}

fn prepare_objective(input: &Input) -> Result<Box<dyn Work>> {
    let (skeleton, arguments) = read(input)?;
    let f = move |(theta, us, constants): Arguments<Var>| {
        let mesh = posed(&skeleton, theta, constants);
        residuals(mesh, us, constants).flatten()
    };
    compiled(f, arguments, nested)
}

fn prepare_jacobian(input: &Input) -> Result<Box<dyn Work>> {
    let (skeleton, arguments) = read(input)?;
    let f = move |(theta, us, constants): Arguments<Var>| {
        let of_pose = |theta| residuals(posed(&skeleton, theta, constants), us, constants);
        let by_pose = jacobian_by(of_pose, Mode::Forward)(theta);
        let by_place = us.map(|us| own_places(posed(&skeleton, theta, constants), us, constants));
        let columns = Var::concat(&by_place.into_iter().chain([by_pose]).collect::<Vec<_>>(), 2);
        let [points, three, n] = [columns.shape()[0], columns.shape()[1], columns.shape()[2]];
        columns.reshape([points * three, n])
    };
    compiled(f, arguments, nested)
}

/// `[points,3,2]`: each residual depends on its own coordinates only.
fn own_places(mesh: Var, us: Var, (_, _, _, _, points, vertices): Constants<Var>) -> Var {
    vmap(|(u, point, corners): (Var, Var, Var)| {
        jacobian(|u: Var| point - on_triangle(mesh.take(corners, 0), u))(u)
    })((us, points, vertices))
}

/// Points less the posed mesh at their places, `[points,3]`.
fn residuals(mesh: Var, us: Option<Var>, (_, _, _, _, points, vertices): Constants<Var>) -> Var {
    match us {
        None => points - mesh.take(vertices, 0),
        Some(us) => {
            points
                - vmap(|(u, corners): (Var, Var)| on_triangle(mesh.take(corners, 0), u))((
                    us, vertices,
                ))
        }
    }
}

/// The point of a triangle with barycentric coordinates u₀, u₁ and what is left to 1.
fn on_triangle(corners: Var, u: Var) -> Var {
    let (u0, u1) = (u.at(0), u.at(1));
    u0 * corners.at(0) + u1 * corners.at(1) + (1.0 - u0 - u1) * corners.at(2)
}

/// The vertices of the posed mesh, `[vertices,3]`: linear blend skinning, then the global motion. The
/// rotation is linear, so it turns the bones, of which there are fewer than vertices. What does not
/// depend on the pose stands on one side, so that there is one product with what does.
fn posed(skeleton: &Skeleton, theta: Var, constants: Constants<Var>) -> Var {
    let (relative, inverse_rest, rest, weights, _, _) = constants;
    let (vertices, bones) = (weights.shape()[0], relative.shape()[0]);
    let absolute = chained(skeleton, local(theta, relative)).matmul(inverse_rest);
    let mirror = if skeleton.is_mirrored { [-1.0, 1.0, 1.0] } else { [1.0; 3] };
    let turn = rotation(theta.slice_axis(0, 0, 3)) * Var::constant(mirror);
    let turned = Var::einsum("ij,bjk->bki", &[turn, absolute.slice_axis(1, 0, 3)]);
    let shares = weights.expand_dims(2) * rest.expand_dims(1);
    let mesh = shares.reshape([vertices, bones * 4]).dot(turned.reshape([bones * 4, 3]));
    mesh + theta.slice_axis(0, 3, 6)
}

/// Each bone's motion relative to its parent, `[bones,4,4]`. Three bones of every finger bend; the
/// first of them turns sideways too.
fn local(theta: Var, relative: Var) -> Var {
    let bones = relative.shape()[0];
    let (mut bend, mut side) = (vec![theta.literal(0.0); bones], vec![theta.literal(0.0); bones]);
    for finger in 0..5 {
        let (angle, bone) = (6 + 4 * finger, 2 + 4 * finger);
        bend[bone] = theta.at(angle);
        side[bone] = theta.at(angle + 1);
        bend[bone + 1] = theta.at(angle + 2);
        bend[bone + 2] = theta.at(angle + 3);
    }
    let (bend, side) = (Var::stack(&bend, 0), Var::stack(&side, 0));
    let (sx, cx, sz, cz) = (bend.sin(), bend.cos(), side.sin(), side.cos());
    let zero = bend.zeros_like();
    // Rz(side)·Rx(bend)
    let rows = [cz, -sz * cx, sz * sx, sz, cz * cx, -cz * sx, zero, sx, cx];
    let rotations = Var::stack(&rows, 1).reshape([bones, 3, 3]);
    let turned = relative.slice_axis(2, 0, 3).matmul(rotations);
    Var::concat(&[turned, relative.slice_axis(2, 3, 4)], 2)
}

/// Each bone's motion in the hand's frame: its parent's, then its own. Bones as far from the root are
/// multiplied together.
fn chained(skeleton: &Skeleton, local: Var) -> Var {
    let parents = &skeleton.parents;
    let mut depth = vec![0; parents.len()];
    for (bone, parent) in parents.iter().enumerate() {
        depth[bone] = parent.map_or(0, |parent| depth[parent] + 1);
    }
    let deepest = depth.iter().copied().max().unwrap_or(0);
    let at_depth = |d| (0..parents.len()).filter(|&bone| depth[bone] == d).collect::<Vec<_>>();
    let take = |from: Var, which: &[usize]| {
        from.take(Var::constant(which.iter().map(|&i| i as i64).collect::<Vec<_>>()), 0)
    };
    let mut order = at_depth(0);
    let mut level = order.clone();
    let mut absolute = vec![take(local, &level)];
    for d in 1..=deepest {
        let bones = at_depth(d);
        let above: Vec<usize> = bones
            .iter()
            .filter_map(|&bone| level.iter().position(|&b| Some(b) == parents[bone]))
            .collect();
        absolute.push(take(absolute[d - 1], &above).matmul(take(local, &bones)));
        order.extend(&bones);
        level = bones;
    }
    let places: Vec<usize> =
        (0..parents.len()).filter_map(|bone| order.iter().position(|&b| b == bone)).collect();
    take(Var::concat(&absolute, 0), &places)
}

/// The matrix of the rotation about `axis` by its length; the identity for lengths below 1e-4.
fn rotation(axis: Var) -> Var {
    let square = axis.square().sum();
    let turns = square.sqrt().ge(1e-4);
    let angle = Var::select(turns, square, 1.0).sqrt();
    let (sin, cos) = (angle.sin(), angle.cos());
    let unit = axis / angle;
    let [x, y, z] = [unit.at(0), unit.at(1), unit.at(2)];
    let zero = angle.zeros_like();
    let cross = Var::stack(&[zero, -z, y, z, zero, -x, -y, x, zero], 0).reshape([3, 3]);
    let eye = Var::eye(axis.dtype(), 3);
    let turned = (1.0 - cos) * unit.outer(unit) + cos * eye + sin * cross;
    Var::select(turns, turned, eye)
}

fn read(input: &Input) -> Result<(Rc<Skeleton>, Arguments<Tensor>)> {
    let data = input.field("data")?;
    let model = data.field("model")?;
    let parents = model.field("parents")?.integers(1)?;
    let parents: Vec<Option<usize>> =
        parents.as_slice::<i64>()?.iter().map(|&p| usize::try_from(p).ok()).collect();
    if parents.len() < 21 || parents.iter().enumerate().any(|(i, p)| p.is_some_and(|p| p >= i)) {
        return Err(Error::usage(
            "the parents are not those of a hand of 21 bones or more, parents first",
        ));
    }
    let skeleton = Skeleton { parents, is_mirrored: model.field("is_mirrored")?.truth()? };
    let which = data.field("correspondences")?.integers(1)?;
    let us = input.field("us")?.tensor(2).ok().filter(|us| !us.is_empty());
    let vertices = match &us {
        None => which,
        Some(_) => corners(&model.field("triangles")?.integers(2)?, &which)?,
    };
    let constants = (
        model.field("base_relatives")?.tensor(3)?,
        model.field("inverse_base_absolutes")?.tensor(3)?,
        model.field("base_positions")?.tensor(2)?,
        model.field("weights")?.tensor(2)?,
        data.field("points")?.tensor(2)?,
        vertices,
    );
    Ok((Rc::new(skeleton), (input.field("theta")?.tensor(1)?, us, constants)))
}

/// The three vertices of each named triangle.
fn corners(triangles: &Tensor, which: &Tensor) -> Result<Tensor> {
    let all = triangles.as_slice::<i64>()?;
    let mut corners: Vec<i64> = Vec::with_capacity(3 * which.len());
    for &i in which.as_slice::<i64>()? {
        let triangle = usize::try_from(i).ok().and_then(|i| all.get(3 * i..3 * i + 3));
        corners.extend(triangle.ok_or_else(|| Error::usage(format!("there is no triangle {i}")))?);
    }
    Tensor::new(corners, [which.len(), 3])
}
