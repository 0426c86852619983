"""The wheel's Python sources as syntax trees, and where a name in one of them comes from."""

import ast
import zipfile


class Sources:
    def __init__(self, wheel):
        self._archive = zipfile.ZipFile(wheel)
        self._names = set(self._archive.namelist())
        self._trees = {}
        self._scopes = {}

    def metadata(self):
        name = next(one for one in self._names if one.endswith(".dist-info/METADATA"))
        return self._archive.read(name).decode()

    def _file_of(self, module):
        path = module.replace(".", "/")
        return next((one for one in (f"{path}.py", f"{path}/__init__.py") if one in self._names), None)

    def has(self, module):
        return self._file_of(module) is not None

    def tree(self, module):
        if module not in self._trees:
            file = self._file_of(module)
            if file is None:
                raise LookupError(f"the wheel has no module {module}")
            self._trees[module] = ast.parse(self._archive.read(file).decode(), file)
        return self._trees[module]

    def scope(self, module):
        """Name -> the statement that binds it at run time, the last one wins."""
        if module not in self._scopes:
            self._scopes[module] = {}
            self._bind(self.tree(module).body, self._scopes[module], module)
        return self._scopes[module]

    def _bind(self, body, scope, module):
        for node in body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                scope[node.name] = node
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        scope[target.id] = node
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                scope[node.target.id] = node
            elif isinstance(node, ast.TypeAlias if hasattr(ast, "TypeAlias") else ()):
                scope[node.name.id] = node
            elif isinstance(node, (ast.ImportFrom, ast.Import)):
                for alias in node.names:
                    scope[alias.asname or alias.name.split(".")[0]] = (node, alias)
            elif isinstance(node, ast.If):
                self._bind_if(node, scope, module)
            elif isinstance(node, ast.Try):
                self._bind(node.body, scope, module)

    def _bind_if(self, node, scope, module):
        # What only a type checker sees is looked up last: at run time the other branch binds the name.
        self._bind(node.body, scope, module)
        self._bind(node.orelse, scope, module)

    def _absolute(self, module, node):
        if node.level == 0:
            return node.module
        is_package = self._file_of(module).endswith("__init__.py")
        parts = module.split(".")
        parts = parts[: len(parts) - node.level + (1 if is_package else 0)]
        return ".".join(parts + ([node.module] if node.module else []))

    def find(self, module, name):
        """(module, statement) that defines the name as seen in `module`; None outside of the wheel."""
        for _ in range(20):
            bound = self.scope(module).get(name)
            if bound is None:
                return None
            if not isinstance(bound, tuple):
                return module, bound
            node, alias = bound
            if isinstance(node, ast.Import):
                target = alias.name if alias.asname else alias.name.split(".")[0]
                return (target, None) if self.has(target) else None
            source = self._absolute(module, node)
            if not self.has(source):
                return None
            if self.has(f"{source}.{alias.name}") and alias.name not in self.scope(source):
                return f"{source}.{alias.name}", None
            module, name = source, alias.name
        return None
