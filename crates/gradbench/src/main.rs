//! The tool that speaks GradBench's protocol.

fn main() -> std::io::Result<()> {
    gradbench::protocol::serve(std::io::stdin().lock(), std::io::stdout())
}
