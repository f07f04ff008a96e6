"""Write docs/api.md, the page of all public names, from the source: `python docs/api.py`.

The script parses the files without importing them, so it needs no optional library.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "api.md"
PUBLIC: dict[str, list[str]] = {
    "ram_envs.registration": [
        "ENVIRONMENTS",
        "VARIANTS",
        "register",
        "make_task",
        "make_tensor",
        "parse_id",
        "EnvironmentId",
    ],
    "ram_envs.errors": ["UserError", "InvalidArgument", "UnknownArgument", "UnknownName", "InvalidObservation"],
    "ram_envs.envs.single": ["GlimpseEnv"],
    "ram_envs.envs.vector": ["GlimpseVectorEnv"],
    "ram_envs.envs.tensor": ["TensorEnv"],
    "ram_envs.wrappers.single": ["Glimpse"],
    "ram_envs.wrappers.vector": ["VectorGlimpse"],
    "ram_envs.wrappers.settings": ["GlimpseSettings"],
    "ram_envs.tasks.catch": ["Catch"],
    "ram_envs.tasks.classification": ["Classification"],
    "ram_envs.tasks.transcription": ["Transcription"],
    "ram_envs.tasks.task": ["Task", "Observation"],
    "ram_envs.tasks.image_task": ["ImageTask"],
    "ram_envs.tasks.oracle": ["Oracle"],
    "ram_envs.tasks.answer": ["Answer"],
    "ram_envs.tasks.figure": ["FigureOfMerit", "FIGURES"],
    "ram_envs.sensors.sensor": ["Sensor", "Outline", "SENSORS", "register_sensor", "make_sensor"],
    "ram_envs.sensors.retina": ["Retina"],
    "ram_envs.sensors.zoom": ["Zoom"],
    "ram_envs.scenes.datasets": ["ImageDataset", "load_dataset", "portable_dataset"],
    "ram_envs.scenes.registry": [
        "register_dataset",
        "registered_datasets",
        "dataset_spec",
        "DatasetSpec",
        "DatasetWarning",
    ],
    "ram_envs.scenes.randomness": ["draw_words", "uniform", "integers"],
    "ram_envs.arrays": ["Array", "namespace", "clip"],
    "ram_envs.testing": ["TaskContract"],
    "agents": ["load"],
    "agents.agent": ["Agent", "AgentState"],
    "agents.ram.settings": ["NetworkSettings", "RAMSettings"],
    "agents.ram.policy": ["RAMPolicy"],
    "agents.ram.decisions": ["Decision", "Heads", "Noise", "SequenceEvaluation"],
    "agents.ram.networks": [
        "GlimpseNetwork",
        "CoreNetwork",
        "LSTMCore",
        "LocationNetwork",
        "ActionNetwork",
        "ObjectsNetwork",
        "Baseline",
    ],
    "agents.ram.checkpoint": ["Checkpoint", "load_checkpoint", "save_checkpoint"],
    "agents.ram.tensor_file": ["CheckpointError"],
    "agents.pretrained": ["pretrained_ids", "load_pretrained"],
    "agents.world_agent": ["WorldAgent"],
    "agents.errors": ["RAMError", "SettingsError"],
    "agents.training.settings": ["TrainingSettings", "TaskSettings", "HybridSettings", "PPOSettings", "GameSettings"],
    "agents.training.vector_settings": ["VectorSettings", "SegmentSettings", "AnswerSettings"],
    "agents.training.presets": ["PRESETS", "settings_for", "settings_for_any", "fit_to_images", "register_preset"],
    "agents.training.trainer": ["train", "resume", "TrainingResult"],
    "agents.training.fine_tuning": ["FineTuningWarning"],
    "agents.training.folder": ["TrainingError"],
    "agents.training.progress": ["Progress"],
    "agents.training.fast.distributed": ["ProcessLost"],
    "agents.evaluation.evaluate": ["evaluate", "Evaluation"],
    "agents.evaluation.worlds": ["evaluate_world"],
    "agents.evaluation.loop": ["play", "Moment", "Player"],
    "agents.evaluation.players": ["PolicyPlayer"],
    "agents.evaluation.references": ["RandomPlayer", "OraclePlayer", "SamplingPlayer"],
    "agents.environments.adapter": ["Adapter", "Choice", "register_adapter"],
    "agents.environments.make": ["make_world"],
    "agents.environments.world": ["World", "Step", "InvalidValue"],
    "agents.environments.player": ["WorldPlayer"],
    "agents.pictures.results": ["draw_results", "ResultPictures"],
    "agents.pictures.animation": ["animate"],
    "agents.pictures.html_page": ["write_html", "episodes_data", "build_page"],
    "agents.pictures.curves": ["plot_learning_curve"],
    "agents.pictures.paths": ["Gaze", "follow_gaze", "draw_glimpse_paths"],
    "agents.integrations.sb3_vec_env": ["RAMVecEnv"],
    "agents.integrations.sb3_policy": ["RAMRecurrentPolicy", "ram_settings", "to_sb3", "from_sb3"],
    "agents.integrations.sb3_networks": ["GlimpseExtractor", "HybridDistribution"],
    "agents.integrations.rllib": ["ram_module_spec", "RAMModule", "HybridDistribution"],
    "agents.integrations.ray_cluster": ["connect_ray"],
    "agents.integrations.torchrl": ["RAMEnv"],
    "agents.integrations.skrl": ["RAMModel"],
    "agents.integrations.hub": ["HubAgent"],
    "agents.benchmark.algorithm": ["Algorithm", "Problem"],
    "agents.ram.export": ["export_agent"],
    "agents.cli": ["main"],
}
"""Public names by the module that defines them."""
REEXPORTED = {
    "ram_envs.scenes.registry": "ram_envs.scenes.datasets",
    "ram_envs.wrappers.single": "ram_envs.wrappers",
    "ram_envs.wrappers.vector": "ram_envs.wrappers",
    "ram_envs.wrappers.settings": "ram_envs.wrappers",
    "ram_envs.tasks.catch": "ram_envs.tasks",
    "ram_envs.tasks.classification": "ram_envs.tasks",
    "ram_envs.tasks.transcription": "ram_envs.tasks",
    "ram_envs.tasks.oracle": "ram_envs.tasks",
    "ram_envs.registration": "ram_envs",
    "ram_envs.tasks.task": "ram_envs.tasks",
    "ram_envs.tasks.image_task": "ram_envs.tasks",
    "ram_envs.tasks.answer": "ram_envs.tasks",
    "ram_envs.tasks.figure": "ram_envs.tasks",
    "ram_envs.sensors.sensor": "ram_envs.sensors",
    "agents.agent": "agents",
    "agents.ram.tensor_file": "agents.ram.checkpoint",
    "agents.training.folder": "agents.training.run",
    "agents.training.progress": "agents.training.run",
    "agents.integrations.sb3_vec_env": "agents.integrations.sb3",
    "agents.integrations.sb3_policy": "agents.integrations.sb3",
    "agents.integrations.sb3_networks": "agents.integrations.sb3",
    "agents.benchmark.algorithm": "agents.benchmark",
}
"""The module to import the names of a module from, if it is another one."""
ALSO_IMPORTED = {("ram_envs", "register_dataset"), ("ram_envs", "register_sensor")}
"""Names that are imported from a second module too."""
INTRODUCTION = """\
# Public names

This page lists the public names by the module that you import them from. Everything is typed (`py.typed`). Records are
shown with their fields, which are also the arguments of their constructors. The docstrings (`help(...)`) describe each
argument with dtype, shape and range. `register_dataset` and `register_sensor` can also be imported from `ram_envs`. The
page is generated from the source by `python docs/api.py`; a test fails if it is out of date.
"""


def records() -> set[str]:
    """Return the names of the records on the page, which pass their fields on to the classes that derive from them."""
    found = {name: definitions(module)[name][0] for module, names in PUBLIC.items() for name in names}
    return {name for name, one in found.items() if isinstance(one, ast.ClassDef) and _is_record(one)}


def page() -> str:
    """Return the page."""
    passing_on = records()
    sections: dict[str, list[str]] = {}
    for module, names in PUBLIC.items():
        defined = definitions(module)
        lines = [_line(name, *defined[name], passing_on) for name in names]
        sections.setdefault(REEXPORTED.get(module, module), []).extend(lines)
    parts = [f"## {module}\n" + "\n".join(lines) + "\n" for module, lines in sections.items()]
    return "\n".join([INTRODUCTION, *parts])


def imported_from() -> set[tuple[str, str]]:
    """Return every name on the page with the module that it is imported from."""
    listed = {(REEXPORTED.get(module, module), name) for module, names in PUBLIC.items() for name in names}
    return listed | ALSO_IMPORTED


def definitions(module: str) -> dict[str, tuple[ast.stmt, str]]:
    """Return what a module defines, each with the first sentence of its documentation."""
    path = ROOT / module.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    body = ast.parse(file.read_text(encoding="utf-8")).body
    result: dict[str, tuple[ast.stmt, str]] = {}
    for statement, after in zip(body, [*body[1:], ast.Pass()], strict=True):
        if isinstance(statement, (ast.ClassDef, ast.FunctionDef)):
            result[statement.name] = statement, ast.get_docstring(statement) or ""
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            words = getattr(getattr(after, "value", None), "value", "")  # the string below it
            result[statement.target.id] = statement, words if isinstance(words, str) else ""
    return result


def _line(name: str, definition: ast.stmt, documentation: str, passing_on: set[str]) -> str:
    """Return a name's line: how it is written, the records it derives from, and the start of its documentation."""
    assert documentation, f"{name} is public, but has no documentation"
    if isinstance(definition, ast.FunctionDef):
        result = f" -> {ast.unparse(definition.returns)}" if definition.returns else ""
        written = f"{name}({_arguments(definition)}){result}"
    elif isinstance(definition, ast.ClassDef):
        fields = ", ".join(_fields(definition))
        written = f"{name}({fields})" if fields else name
    else:
        assert isinstance(definition, ast.AnnAssign)
        written = f"{name}: {ast.unparse(definition.annotation)}"
    bases = definition.bases if isinstance(definition, ast.ClassDef) else []
    names = [ast.unparse(base).partition("[")[0] for base in bases]  # "Task" of Task[CatchState]
    inherited = " and ".join(f"`{base}`" for base in names if base in passing_on)
    more = f", and the fields of {inherited}" if inherited else ""
    first = " ".join(documentation.strip().split("\n\n")[0].split())
    return f"- `{written}`{more}: {re.sub(r':[a-z]+:(?=`)', '', first).replace('``', '`')}"


def _fields(definition: ast.ClassDef) -> Iterator[str]:
    """Yield the fields of a record, or the arguments that any other class is made with."""
    makers = [part for part in definition.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
    if makers:
        yield _arguments(makers[0], method=True)
    elif _is_record(definition):
        for part in definition.body:
            if isinstance(part, ast.AnnAssign):
                written = re.sub(r"field\(default_factory=(\w+)\)", r"\1()", ast.unparse(part))
                if "ClassVar" not in written:
                    yield written


def _is_record(definition: ast.ClassDef) -> bool:
    decorated = any("dataclass" in ast.unparse(decorator) for decorator in definition.decorator_list)
    return decorated or any(ast.unparse(base) == "NamedTuple" for base in definition.bases)


def _arguments(function: ast.FunctionDef, method: bool = False) -> str:
    arguments = ast.unparse(function.args)
    return arguments.removeprefix("self").removeprefix(", ") if method else arguments


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
