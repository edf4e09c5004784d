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

/// The pose `[26]`, the surface (none in the simple variant), and the constants.
type Arguments<T> = (T, Option<Surface<T>>, Constants<T>);

/// The barycentric coordinates of the measured points, `[points,2]`, and the vertices of the triangles,
/// `[triangles,3]`.
type Surface<T> = (T, T);

/// Bones relative to their parents and the inverses of their rest poses, both `[bones,4,4]`; vertices
/// at rest `[vertices,4]`; weights `[vertices,bones]`; and measured points `[points,3]` with where they
/// belong, `[points]`: to a vertex in the simple variant, otherwise to a triangle.
type Constants<T> = (T, T, T, T, T, T);

/// What shapes the program rather than its data.
struct Skeleton {
    parents: Vec<Option<usize>>,
    is_mirrored: bool,
}

fn prepare_objective(input: &Input) -> Result<Box<dyn Work>> {
    let (skeleton, arguments) = read(input)?;
    let f = move |(theta, surface, constants): Arguments<Var>| {
        let pose = Pose::new(theta);
        let (sites, constants) = Sites::of(surface, constants);
        let mesh = blended(&skeleton, &pose, constants).dot(turn(&skeleton, pose.rotation()));
        let (_, _, _, _, points, _) = constants;
        (points - (sites.at_points(sites.at_corners(mesh)) + pose.translation())).flatten()
    };
    compiled(f, arguments, nested)
}

/// Places are linear in the mesh, so their derivatives are those of the mesh, taken at the points as places are.
fn prepare_jacobian(input: &Input) -> Result<Box<dyn Work>> {
    let (skeleton, arguments) = read(input)?;
    let f = move |(theta, surface, constants): Arguments<Var>| {
        let pose = Pose::new(theta);
        let (sites, constants) = Sites::of(surface, constants);
        let hand = blended(&skeleton, &pose, constants);
        let mesh = hand.dot(turn(&skeleton, pose.rotation()));
        let by_pose = mesh_by_pose(&skeleton, &pose, hand, constants);
        let columns = match sites {
            Sites::Vertices(_) => Var::concat(&by_pose, 2),
            Sites::Triangles { .. } => {
                let own = by_coordinates(sites.at_corners(mesh));
                let by_pose = sites.columns_at_corners(by_pose);
                Var::concat(&[&[own], by_pose.as_slice()].concat(), 3)
            }
        };
        let rows = -sites.at_points(columns);
        let [points, three, n] = [rows.shape()[0], rows.shape()[1], rows.shape()[2]];
        rows.reshape([points * three, n])
    };
    compiled(f, arguments, nested)
}

/// Where the measured points are, which decides what of the mesh is posed.
#[derive(Clone, Copy)]
enum Sites {
    /// At these vertices, `[points]`.
    Vertices(Var),
    Triangles {
        /// The barycentric coordinates, `[points,2]`.
        us: Var,
        /// The vertices of the triangles, `[triangles,3]`.
        corners: Var,
        /// The triangle of each point, `[points]`; none: the first has the first, and so on.
        which: Option<Var>,
        /// Whether each corner is posed, three for a triangle, as there are more vertices than that.
        each: bool,
    },
}

impl Sites {
    /// The sites, and the constants with the vertices that are posed.
    fn of(surface: Option<Surface<Var>>, constants: Constants<Var>) -> (Sites, Constants<Var>) {
        let (relative, inverse_rest, rest, weights, points, which) = constants;
        let Some((us, triangles)) = surface else { return (Sites::Vertices(which), constants) };
        let (corners, which) = match which.shape()[0] < triangles.shape()[0] {
            true => (triangles.take(which, 0), None),
            false => (triangles, Some(which)),
        };
        let each = corners.shape().size() < rest.shape()[0];
        let posed = |of: Var| if each { of.take(corners.flatten(), 0) } else { of };
        let constants = (relative, inverse_rest, posed(rest), posed(weights), points, constants.5);
        (Sites::Triangles { us, corners, which, each }, constants)
    }

    /// What posed vertices have, `[posed,…]`, for each corner: `[triangles,3,…]`.
    fn at_corners(self, mesh: Var) -> Var {
        match self {
            Sites::Vertices(_) => mesh,
            Sites::Triangles { corners, each: false, .. } => mesh.take(corners, 0),
            Sites::Triangles { corners, each: true, .. } => {
                mesh.reshape([&corners.shape()[..], &mesh.shape()[1..]].concat())
            }
        }
    }

    /// Columns `[posed,3,n]` for each corner; side by side in one table where rows are taken.
    fn columns_at_corners(self, columns: Vec<Var>) -> Vec<Var> {
        match self {
            Sites::Triangles { each: true, .. } => {
                columns.into_iter().map(|part| self.at_corners(part)).collect()
            }
            _ => vec![self.at_corners(Var::concat(&columns, 2))],
        }
    }

    /// What points have, `[points,…]`, of what corners or vertices have: places, or anything that changes
    /// along a triangle as they do.
    fn at_points(self, corners: Var) -> Var {
        match self {
            Sites::Vertices(which) => corners.take(which, 0),
            Sites::Triangles { us, which, .. } => {
                let corners = which.map_or(corners, |which| corners.take(which, 0));
                vmap(|(u, corners): (Var, Var)| on_triangle(corners, u))((us, corners))
            }
        }
    }
}

/// The global rotation and translation, three numbers each, and four angles of each finger.
#[derive(Clone)]
struct Pose {
    parts: Vec<Var>,
}

impl Pose {
    fn new(theta: Var) -> Pose {
        let fingers = [4; FINGERS];
        Pose { parts: theta.split(&[&[3, 3][..], &fingers].concat(), 0) }
    }

    fn rotation(&self) -> Var {
        self.parts[0]
    }

    fn translation(&self) -> Var {
        self.parts[1]
    }

    fn finger(&self, finger: usize) -> Var {
        self.parts[2 + finger]
    }
}

const FINGERS: usize = 5;

/// The derivative of the places on triangles by the barycentric coordinates, the same at all three corners:
/// `[triangles,3,3,2]`.
fn by_coordinates(corners: Var) -> Var {
    let anywhere = Var::constant([0.0; 2]);
    let slopes = vmap(|corners: Var| jacobian(|u: Var| on_triangle(corners, u))(anywhere))(corners);
    slopes.expand_dims(1).broadcast_to([corners.shape()[0], 3, 3, 2])
}

/// The point of a triangle with barycentric coordinates u₀, u₁ and what is left to 1.
fn on_triangle(corners: Var, u: Var) -> Var {
    let (u0, u1) = (u.at(0), u.at(1));
    u0 * corners.at(0) + u1 * corners.at(1) + (1.0 - u0 - u1) * corners.at(2)
}

/// The derivatives of the posed mesh by the parts of the pose, each `[posed,3,n]`: `hand` is the mesh before
/// the hand is turned and moved, and a finger's angles move that finger only.
fn mesh_by_pose(
    skeleton: &Skeleton,
    pose: &Pose,
    hand: Var,
    constants: Constants<Var>,
) -> Vec<Var> {
    let turned = |axis: Var| hand.dot(turn(skeleton, axis));
    let moved = |by: Var| hand + by;
    let mut columns = vec![
        jacobian_by(turned, Mode::Forward)(pose.rotation()),
        jacobian_by(moved, Mode::Forward)(pose.translation()),
    ];
    for finger in 0..FINGERS {
        let bent = |angles: Var| {
            let mut bent = pose.clone();
            bent.parts[2 + finger] = angles;
            finger_part(skeleton, &bent, finger, constants)
        };
        columns.push(jacobian_by(bent, Mode::Forward)(pose.finger(finger)));
    }
    columns
}

/// The vertices in the hand's frame, `[vertices,3]`, by linear blend skinning: the motions of the bones are
/// blended for each vertex.
fn blended(skeleton: &Skeleton, pose: &Pose, constants: Constants<Var>) -> Var {
    let (_, _, rest, weights, _, _) = constants;
    let motions: Vec<Var> = motions(skeleton, pose, constants);
    let motions = Var::stack(&motions, 0).reshape([skeleton.parents.len(), 12]);
    let blended = weights.dot(motions).reshape([rest.shape()[0], 4, 3]);
    (rest.expand_dims(2) * blended).sum_axes(&[1])
}

/// What the bones of a finger contribute to the turned mesh, `[vertices,3]`. For derivatives by several angles
/// this is the shorter way: weighted places at rest are the same for all angles.
fn finger_part(skeleton: &Skeleton, pose: &Pose, finger: usize, constants: Constants<Var>) -> Var {
    let (_, _, rest, weights, _, _) = constants;
    let bones = skeleton.bones_of(finger);
    let all = motions(skeleton, pose, constants);
    let motions: Vec<Var> = bones.iter().map(|&bone| all[bone]).collect();
    let columns = Var::constant(bones.iter().map(|&bone| bone as i64).collect::<Vec<_>>());
    let shares = weights.take(columns, 1).expand_dims(2) * rest.expand_dims(1);
    let shares = shares.reshape([rest.shape()[0], 4 * bones.len()]);
    shares.dot(Var::concat(&motions, 0).dot(turn(skeleton, pose.rotation())))
}

/// The rotation of the hand, mirrored if the hand is, transposed so that rows of coordinates go through it.
fn turn(skeleton: &Skeleton, axis: Var) -> Var {
    let mirror = if skeleton.is_mirrored { [-1.0, 1.0, 1.0] } else { [1.0; 3] };
    (rotation(axis) * Var::constant(mirror)).t()
}

/// The motion of each bone from rest, `[4,3]`: transposed, like the rotation.
fn motions(skeleton: &Skeleton, pose: &Pose, constants: Constants<Var>) -> Vec<Var> {
    let (relative, inverse_rest, _, _, _, _) = constants;
    let bones = chained(skeleton, pose, relative).into_iter().enumerate();
    let from_rest = |(i, bone): (usize, Var)| bone.dot(inverse_rest.at(i)).slice_axis(0, 0, 3).t();
    bones.map(from_rest).collect()
}

impl Skeleton {
    /// The bones that a finger's angles move.
    fn bones_of(&self, finger: usize) -> Vec<usize> {
        let mut moves: Vec<bool> = Vec::new();
        for (bone, parent) in self.parents.iter().enumerate() {
            let own = bending(bone).is_some_and(|(which, _)| which == finger);
            moves.push(own || parent.is_some_and(|parent| moves[parent]));
        }
        (0..moves.len()).filter(|&bone| moves[bone]).collect()
    }
}

/// The finger of a bone that bends, and which of the finger's three such bones it is. Each finger has
/// four bones after the root, the first of which is stiff.
fn bending(bone: usize) -> Option<(usize, usize)> {
    let (finger, joint) = (bone.checked_sub(1)? / 4, (bone - 1) % 4);
    (finger < FINGERS && joint > 0).then(|| (finger, joint - 1))
}

/// Each bone's motion in the hand's frame, `[4,4]`: its parent's, then its own.
fn chained(skeleton: &Skeleton, pose: &Pose, relative: Var) -> Vec<Var> {
    let mut bones: Vec<Var> = Vec::new();
    for (bone, parent) in skeleton.parents.iter().enumerate() {
        let local = match bending(bone) {
            None => relative.at(bone),
            Some((finger, joint)) => relative.at(bone).dot(bend(pose.finger(finger), joint)),
        };
        bones.push(parent.map_or(local, |parent| bones[parent].dot(local)));
    }
    bones
}

/// Rz(side)·Rx(bend) as a motion; only a finger's first joint turns sideways.
fn bend(angles: Var, joint: usize) -> Var {
    let angle = angles.at(if joint == 0 { 0 } else { joint + 1 });
    let side = if joint == 0 { angles.at(1) } else { angle.literal(0.0) };
    let (sx, cx, sz, cz) = (angle.sin(), angle.cos(), side.sin(), side.cos());
    let (o, i) = (angle.literal(0.0), angle.literal(1.0));
    let rows = [cz, -sz * cx, sz * sx, o, sz, cz * cx, -cz * sx, o, o, sx, cx, o, o, o, o, i];
    Var::stack(&rows, 0).reshape([4, 4])
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
    let surface = match input.field("us")?.tensor(2).ok().filter(|us| !us.is_empty()) {
        None => None,
        Some(us) => Some((us, model.field("triangles")?.integers(2)?)),
    };
    let constants = (
        model.field("base_relatives")?.tensor(3)?,
        model.field("inverse_base_absolutes")?.tensor(3)?,
        model.field("base_positions")?.tensor(2)?,
        model.field("weights")?.tensor(2)?,
        data.field("points")?.tensor(2)?,
        data.field("correspondences")?.integers(1)?,
    );
    Ok((Rc::new(skeleton), (input.field("theta")?.tensor(1)?, surface, constants)))
}
