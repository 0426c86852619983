/** Marks the one line of output that is the answer; vLLM prints what it likes around it. */
export const probeMark = '@@stepctl-probe ';

/** Runs inside the build's Python. `ASK` is set above it: patches with their probe's source, plugins wanted. */
const body = `
import importlib.metadata
import json
import os
import sys


def run_checks(source):
    scope = {"__name__": "stepctl_probe"}
    exec(compile(source, "probe.py", "exec"), scope)
    answers = {}
    for name, check in scope["probe"]().items():
        try:
            answer = check()
        except BaseException as error:
            answer = type(error).__name__ + ": " + str(error)
        answers[name] = answer if answer is True else ("no" if answer is False else str(answer))
    return answers


def find_plugins():
    found = {}
    for point in importlib.metadata.entry_points(group="vllm.general_plugins"):
        if point.module not in ASK["plugins"]:
            continue
        try:
            found[point.module] = True if callable(point.load()) else "is not callable"
        except BaseException as error:
            found[point.module] = type(error).__name__ + ": " + str(error)
    return found


def distribution_version():
    try:
        return importlib.metadata.version("vllm")
    except importlib.metadata.PackageNotFoundError:
        return None


def main():
    import vllm
    from vllm.platforms import current_platform

    answer = {
        "version": vllm.__version__,
        "package": os.path.dirname(os.path.abspath(vllm.__file__)),
        "distribution": distribution_version(),
        "platform": str(getattr(current_platform, "device_type", "")),
        "plugins": find_plugins(),
        "patches": {patch["id"]: run_checks(patch["source"]) for patch in ASK["patches"]},
    }
    sys.stdout.write("\\n" + MARK + json.dumps(answer) + "\\n")
    sys.stdout.flush()
    # Threads of imported libraries must not keep the answer waiting.
    os._exit(0)


main()
`;

export interface ProbeAsk {
  readonly patches: readonly { readonly id: string; readonly source: string }[];
  /** Module names of plugins that must be visible and load. */
  readonly plugins: readonly string[];
}

/** A Python program that needs nothing but the build itself; feed it to \`python -\` or \`python -c\`. */
export function renderProbeScript(ask: ProbeAsk): string {
  // A JSON text inside a JSON string is also a Python string literal.
  return `import json\nASK = json.loads(${JSON.stringify(JSON.stringify(ask))})\nMARK = ${JSON.stringify(probeMark)}\n${body}`;
}
