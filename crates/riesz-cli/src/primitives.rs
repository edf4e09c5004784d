//! `riesz primitives`: every building block, with its differential and its kinks.

use crate::{Exit, Failure, Io};
use riesz_core::primitive::{About, about};
use serde_json::{Value, json};

/// List the building blocks: what each means, its differential, its transpose if it is linear in
/// something, where it is defined, and the value chosen where there is no derivative.
///
/// JSON: {"primitives": […]}, each with "name", "arity" (null if it takes any number of arguments),
/// "arguments", "meaning", "linear" (a linear map of all arguments that can move), "linear_in" (the
/// arguments in which it is linear, for fixed others), "differential", "transpose", "domain" and
/// "kinks".
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only these building blocks
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Print one JSON object
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,
    /// Print the page docs/primitives.md
    #[arg(long)]
    markdown: bool,
}

/// Runs the command.
pub fn run(args: &Args, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let all = chosen(about::all(), &args.names)?;
    let text = if args.json {
        let all: Vec<Value> = all.iter().map(object).collect();
        format!("{}\n", json!({ "primitives": all }))
    } else if args.markdown {
        page(&all)
    } else {
        all.iter().map(paragraph).collect::<Vec<_>>().join("\n")
    };
    io.print(&text)?;
    Ok(Exit::Success)
}

fn chosen(all: Vec<About>, names: &[String]) -> Result<Vec<About>, Failure> {
    if names.is_empty() {
        return Ok(all);
    }
    let find = |name: &String| {
        all.iter().find(|about| about.name == name).cloned().ok_or_else(|| {
            let near = riesz_core::suggestion(name, all.iter().map(|about| about.name));
            Failure::input(format!("there is no building block `{name}`")).help(match near {
                _ if riesz_lang::is_function(name) => {
                    "the function of formulas is made of others; `riesz derive` shows its derivative"
                        .to_owned()
                }
                Some(near) => format!("is it `{near}`?"),
                None => "`riesz primitives` lists them all".to_owned(),
            })
        })
    };
    names.iter().map(find).collect()
}

fn signature(about: &About) -> String {
    format!("{}({})", about.name, about.arguments.join(", "))
}

fn object(about: &About) -> Value {
    json!({
        "name": about.name,
        "arity": about.arity(),
        "arguments": about.arguments,
        "meaning": about.meaning,
        "linear": about.is_linear(),
        "linear_in": about.linear_arguments(),
        "differential": about.differential,
        "transpose": about.transpose,
        "domain": about.domain,
        "kinks": about.kinks,
    })
}

fn paragraph(about: &About) -> String {
    let mut text = format!("{}\n    {}\n", signature(about), about.meaning);
    for (label, fact) in [
        ("differential", about.differential.as_str()),
        ("transpose", &about.transpose),
        ("domain", about.domain),
        ("kinks", about.kinks),
    ] {
        if !fact.is_empty() {
            text.push_str(&format!("    {label:<12}  {fact}\n"));
        }
    }
    text
}

/// The page of the documentation.
fn page(all: &[About]) -> String {
    let mut text = String::from(
        "# The building blocks\n\n\
         Written by `cargo xtask primitives` from what the primitives say about themselves; `riesz \
         primitives` prints the same.\nIn a differential `dx` is the tangent of the argument `x`, and \
         `y` the first result; in a transpose `c` is the cotangent\nof the result. A linear primitive \
         is its own differential, and reverse mode is made of the transposes. A coefficient\ntimes a \
         tangent that is exactly 0 is 0, whatever the coefficient.\n\n\
         | building block | meaning | differential | transpose | domain | kinks |\n\
         |---|---|---|---|---|---|\n",
    );
    for about in all {
        let cell = |fact: &str| fact.replace('|', "\\|");
        text.push_str(&format!(
            "| `{}` | {} | {} | {} | {} | {} |\n",
            signature(about),
            cell(about.meaning),
            cell(&about.differential),
            cell(&about.transpose),
            cell(about.domain),
            cell(about.kinks),
        ));
    }
    text
}
