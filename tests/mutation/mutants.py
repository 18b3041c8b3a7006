"""What one slip of the hand can make of a module: small changes of its syntax tree, each with a stable name.

A condition is taken for true or false, a boundary moved by one, an operand, an optional argument, a filter or a
statement dropped, a number raised, a value not returned. What another mutant tells already is left out: `and` for
`or` is killed by whatever kills both dropped operands. Sentences for people, annotations and docstrings are not
changed; words that the software itself compares or lists are.
"""

import ast
import copy
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

Step = tuple[str, int | None]  # a field of a node, and the index in it if it is a list
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SWAPS: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn,
    ast.NotIn: ast.In, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
BOUNDS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
FORM = {
    "frozen",
    "kw_only",
    "slots",
    "repr",
    "compare",
    "hash",
    "strict",
}  # of a type, not of a decision
CODE = re.compile(r"[A-Za-z0-9_.:/+-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change of one module."""

    name: str  # stable while the function is: module:function: old -> new
    module: str
    where: str  # the function or class it stands in
    line: int
    end: int
    outermost: (
        tuple[str, int] | None
    )  # function that can be exchanged alone: its qualified name and line
    steps: tuple[Step, ...]
    new: ast.AST | None  # None: the node is taken out of its list
    uses: frozenset[int]  # lines that read the constant, for what no function holds


def mutants(module: str, path: Path, optional: Mapping[str, frozenset[str]]) -> list[Mutant]:
    """Return every mutant of a module, in the order of its lines.

    Args:
        optional: by the name of a callable, which of its arguments may be left out.
    """
    tree = ast.parse(path.read_text("utf-8"))
    seen: Counter[str] = Counter()
    found: list[Mutant] = []
    for node, steps, chain in _walk(tree, (), ()):
        for target, new, old, now in _changes(node, chain, optional):
            place = [n for n in chain if isinstance(n, (*FUNCTIONS, ast.ClassDef))]
            where = ".".join(n.name for n in place)
            name = f"{module}:{where}: {old} -> {now}"
            seen[name] += 1
            name += f" ({seen[name]})" if seen[name] > 1 else ""
            full = steps + target
            found.append(
                Mutant(
                    name=name,
                    module=module,
                    where=where,
                    line=node.lineno,
                    end=node.end_lineno or node.lineno,
                    outermost=_outermost(full, chain),
                    steps=full,
                    new=new,
                    uses=_uses(tree, chain) if not where else frozenset(),
                )
            )
    return found


def compiled(mutant: Mutant, path: Path) -> CodeType:
    """Return the code of the whole module with the change."""
    tree = ast.parse(path.read_text("utf-8"))
    node: ast.AST = tree
    for field, index in mutant.steps[:-1]:
        value = getattr(node, field)
        node = value if index is None else value[index]
    field, index = mutant.steps[-1]
    if index is None:
        setattr(node, field, copy.deepcopy(mutant.new))
    elif mutant.new is None:
        del getattr(node, field)[index]
    else:
        getattr(node, field)[index] = copy.deepcopy(mutant.new)
    return compile(ast.fix_missing_locations(tree), str(path), "exec")


def function_in(code: CodeType, name: str, line: int) -> CodeType | None:
    """Return the code of the function of that qualified name and line."""
    for each in code.co_consts:
        if isinstance(each, CodeType):
            if (each.co_qualname, each.co_firstlineno) == (name, line):
                return each
            inner = function_in(each, name, line)
            if inner is not None:
                return inner
    return None


def optional_arguments(root: Path) -> Mapping[str, frozenset[str]]:
    """Return, by the name of each function and class under ``root``, the arguments that have a default."""
    found: dict[str, frozenset[str]] = {}
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, FUNCTIONS):
                args = node.args
                plain = [*args.posonlyargs, *args.args]
                names = {a.arg for a in plain[len(plain) - len(args.defaults) :]}
                named = zip(args.kwonlyargs, args.kw_defaults, strict=True)
                names |= {a.arg for a, default in named if default is not None}
                found[node.name] = found.get(node.name, frozenset()) | names
            elif isinstance(node, ast.ClassDef):
                fields = [s for s in node.body if isinstance(s, ast.AnnAssign) and s.value]
                names = {s.target.id for s in fields if isinstance(s.target, ast.Name)}
                found[node.name] = found.get(node.name, frozenset()) | names
    return found


# --- where -------------------------------------------------------------------------------------------
Chain = tuple[ast.AST, ...]
UNTOUCHED = {"annotation", "returns", "type_comment", "decorator_list", "format_spec", "bases"}


def _walk(
    node: ast.AST, steps: tuple[Step, ...], chain: Chain
) -> Iterator[tuple[ast.AST, tuple[Step, ...], Chain]]:
    """Yield every node that may be changed, with the way to it and the nodes around it."""
    if hasattr(node, "lineno"):
        yield node, steps, chain
    for field, value in ast.iter_fields(node):
        if field in UNTOUCHED or (isinstance(node, ast.JoinedStr) and field == "values"):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not _is_said(child, index, field):
                yield from _walk(child, (*steps, (field, index)), (*chain, node))


def _is_said(node: ast.AST, index: int | None, field: str) -> bool:
    """Say whether a node is a docstring or the list of what a module shows."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return field == "body" and index == 0
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets)


def _outermost(steps: tuple[Step, ...], chain: Chain) -> tuple[str, int] | None:
    """Return the outermost function in whose body a change lies; None if it is made on import."""
    names: list[str] = []
    for node, (field, _) in zip(chain, steps, strict=False):
        if isinstance(node, ast.ClassDef):
            names.append(node.name)
            if field != "body":
                return None
        if isinstance(node, FUNCTIONS):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            return (".".join([*names, node.name]), first) if field == "body" else None
    return None


def _uses(tree: ast.Module, chain: Chain) -> frozenset[int]:
    """Return the lines that read the name which a statement of the module binds."""
    statement = next((n for n in chain if isinstance(n, (ast.Assign, ast.AnnAssign))), None)
    if statement is None:
        return frozenset()
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    names = {t.id for t in targets if isinstance(t, ast.Name)}
    return frozenset(
        n.lineno
        for n in ast.walk(tree)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.id in names
    )


# --- what --------------------------------------------------------------------------------------------
Change = tuple[
    tuple[Step, ...], ast.AST | None, str, str
]  # way from the node, new node, old text, new text


def _changes(  # noqa: C901 a case a kind of node
    node: ast.AST, chain: Chain, optional: Mapping[str, frozenset[str]]
) -> Iterator[Change]:
    match node:
        case ast.If() | ast.IfExp() | ast.While():
            yield from _condition(node)
        case ast.Compare():
            yield from _comparison(node, chain)
        case ast.BoolOp():
            for index, value in enumerate(node.values):
                rest = [v for i, v in enumerate(node.values) if i != index]
                new = rest[0] if len(rest) == 1 else ast.BoolOp(op=node.op, values=rest)
                yield (), _at(new, node), _text(node), f"without {_text(value)}"
        case ast.UnaryOp(op=ast.Not()) if not _is_test(node, chain):
            yield (), node.operand, _text(node), _text(node.operand)
        case ast.BinOp():
            yield from _arithmetic(node)
        case ast.Constant():
            yield from _constant(node, chain)
        case ast.Call():
            yield from _call(node, optional)
        case (
            ast.comprehension()
            | ast.ListComp()
            | ast.SetComp()
            | ast.DictComp()
            | ast.GeneratorExp()
        ):
            yield from _filters(node)
        case ast.Set() | ast.List() | ast.Tuple() | ast.Dict():
            yield from _elements(node, chain)
        case ast.stmt():
            yield from _statement(node, chain)
        case _:
            pass


def _condition(node: ast.If | ast.IfExp | ast.While) -> Iterator[Change]:
    for value in (False,) if isinstance(node, ast.While) else (True, False):
        if not (isinstance(node.test, ast.Constant) and node.test.value == value):
            new = _at(ast.Constant(value=value), node.test)
            yield (("test", None),), new, f"if {_text(node.test)}", f"if {value}"


def _comparison(node: ast.Compare, chain: Chain) -> Iterator[Change]:
    for index, op in enumerate(node.ops):
        if not isinstance(op, BOUNDS) and _is_test(node, chain):
            continue  # the condition itself is taken for true and for false
        new = copy.deepcopy(node)
        new.ops[index] = SWAPS[type(op)]()
        yield (), new, _text(node), _text(new)


def _is_test(node: ast.AST, chain: Chain) -> bool:
    around = chain[-1] if chain else None
    if isinstance(around, ast.UnaryOp):
        return _is_test(around, chain[:-1])
    if isinstance(around, ast.comprehension):
        return node in around.ifs
    return isinstance(around, (ast.If, ast.IfExp, ast.While)) and around.test is node


def _arithmetic(node: ast.BinOp) -> Iterator[Change]:
    if isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
        return
    yield (), node.left, _text(node), _text(node.left)
    if isinstance(node.op, (ast.Add, ast.BitOr)):
        yield (), node.right, _text(node), _text(node.right)


def _constant(node: ast.Constant, chain: Chain) -> Iterator[Change]:
    value, around = node.value, chain[-1]
    if isinstance(around, ast.keyword) and around.arg in FORM:
        return
    if isinstance(value, bool):
        new: object = not value
    elif isinstance(value, (int, float)):
        new = value + 1
    elif isinstance(value, str) and _is_compared(node, chain):
        new = f"{value}~"
    else:
        return
    made = _at(ast.Constant(value=new), node)
    yield (), made, f"{value!r} in {_text(around)[:60]}", repr(new)


def _is_compared(node: ast.AST, chain: Chain) -> bool:
    """Say whether a string is one of the software's own words, and something is decided by it."""
    if not isinstance(node, ast.Constant) or not CODE.fullmatch(str(node.value)):
        return False
    around = chain[-1]
    if (
        isinstance(around, (ast.List, ast.Tuple)) and len(chain) > 1
    ):  # of a set an element is dropped
        around = chain[-2]
    return isinstance(around, (ast.Compare, ast.MatchValue, ast.Return, ast.IfExp))


def _call(node: ast.Call, optional: Mapping[str, frozenset[str]]) -> Iterator[Change]:
    called = node.func
    name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
    if isinstance(called, ast.Name) and name in NAMES:
        new = copy.deepcopy(node)
        new.func = _at(ast.Name(id=NAMES[name], ctx=ast.Load()), called)
        yield (), new, _text(node)[:80], f"{NAMES[name]}(...)"
    if name == "sorted" and len(node.args) == 1:
        new_ = _at(
            ast.Call(func=ast.Name(id="list", ctx=ast.Load()), args=node.args, keywords=[]), node
        )
        yield (), new_, _text(node)[:80], "list(...)"
    for index, keyword in enumerate(node.keywords):
        known = optional.get(name)
        droppable = keyword.arg in known if known is not None else name in {"min", "max", "sorted"}
        if keyword.arg and keyword.arg not in FORM and droppable:
            new = copy.deepcopy(node)
            del new.keywords[index]
            yield (), new, f"{name}({_text(keyword)})", f"without {keyword.arg}"


def _filters(node: ast.AST) -> Iterator[Change]:
    for at, generator in enumerate(getattr(node, "generators", [])):
        for index, condition in enumerate(generator.ifs):
            way: tuple[Step, ...] = (("generators", at), ("ifs", index))
            yield way, None, f"if {_text(condition)}", "every one"


def _elements(node: ast.AST, chain: Chain) -> Iterator[Change]:
    """Drop what a constant lists, one by one, and what a set lists anywhere."""
    fixed = not any(isinstance(n, (*FUNCTIONS, ast.Lambda)) for n in chain)
    typed = any(isinstance(n, ast.Subscript) for n in chain)
    if (
        typed
        or not (fixed or isinstance(node, ast.Set))
        or not isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    ):
        return
    items = node.keys if isinstance(node, ast.Dict) else node.elts
    for index, item in enumerate(items):
        if len(items) < 2 or isinstance(item, ast.Starred) or (item is None):
            continue
        new = copy.deepcopy(node)
        if isinstance(new, ast.Dict):
            del new.keys[index], new.values[index]
        else:
            del new.elts[index]
        yield (), new, _text(item)[:60], "not listed"


def _statement(node: ast.stmt, chain: Chain) -> Iterator[Change]:
    nothing = _at(ast.Pass(), node)
    text = _text(node).split("\n")[0][:100]
    match node:
        case (
            ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom())
            | ast.Raise()
            | ast.Continue()
        ):
            yield (), nothing, text, "pass"
        case ast.AugAssign() | ast.Delete():
            yield (), nothing, text, "pass"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield (), nothing, text, "pass"
        case ast.Break() if not any(isinstance(n, ast.While) for n in chain):
            yield (), nothing, text, "pass"
        case ast.Return(value=value) if value is not None and not isinstance(
            value, (ast.Constant, ast.Compare, ast.BoolOp)
        ):
            yield (), _at(ast.Return(value=ast.Constant(value=None)), node), text, "return None"
        case ast.Return(value=ast.Constant(value=bool() | int() | str())):
            pass  # the constant itself is changed
        case _:
            pass


def _at(new: ast.AST, old: ast.AST) -> ast.AST:
    return ast.copy_location(copy.deepcopy(new), old)


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())
