"""Tokens to a tree, as ``text/template/parse`` of Go does."""

from __future__ import annotations

import ast
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.lexer import (
    ActionPiece,
    Piece,
    TextPiece,
    Token,
    pieces,
)
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.syntax import (
    Access,
    Block,
    Body,
    Call,
    Definition,
    Dot,
    Expression,
    Literal,
    Method,
    Node,
    Output,
    Pipeline,
    Template,
    TemplateSyntaxError,
    TemplateTree,
    Text,
    Variable,
)

DEEPEST = 100
_BLOCKS = ("if", "with", "range")


def parse(text: str, file: str) -> TemplateTree:
    """Raises TemplateSyntaxError."""
    parser = _Parser(list(pieces(text)), file)
    body, end = parser.body(0)
    if end is not None:
        raise TemplateSyntaxError(end.line, f"{{{{ {end.source} }}}} closes nothing")
    return TemplateTree(file, body, tuple(parser.definitions))


class _Parser:
    """Nodes out of pieces."""

    def __init__(self, found: list[Piece], file: str) -> None:
        self._pieces, self._at, self._file = found, 0, file
        self.definitions: list[Definition] = []

    def body(self, depth: int) -> tuple[Body, ActionPiece | None]:
        """Nodes up to ``end`` or ``else``, which is given back, or to the end of the file."""
        if depth > DEEPEST:
            raise TemplateSyntaxError(1, f"blocks are nested deeper than {DEEPEST}")
        nodes: list[Node] = []
        while self._at < len(self._pieces):
            piece = self._pieces[self._at]
            self._at += 1
            if isinstance(piece, TextPiece):
                nodes.append(Text(piece.text, piece.line))
            elif _keyword(piece) in ("end", "else"):
                return tuple(nodes), piece
            else:
                nodes += self._action(piece, depth)
        return tuple(nodes), None

    def _action(self, piece: ActionPiece, depth: int) -> list[Node]:
        word = _keyword(piece)
        if word in _BLOCKS:
            return [self._block(word, piece, piece.tokens[1:], depth)]
        if word in ("define", "block"):
            return self._definition(word, piece, depth)
        if word == "template":
            rest = _Tokens(piece.tokens[2:], piece.line)
            return [Template(_name(piece), None if rest.at_end else rest.pipeline(), piece.line)]
        if word in ("break", "continue") or not piece.tokens:
            return []
        return [Output(_Tokens(piece.tokens, piece.line).pipeline(), piece.line, piece.source)]

    def _block(self, kind: str, piece: ActionPiece, tokens: tuple[Token, ...], depth: int) -> Block:
        pipeline = _Tokens(tokens, piece.line).pipeline()
        body, end = self.body(depth + 1)
        otherwise: Body = ()
        if end is not None and _keyword(end) == "else":
            if len(end.tokens) > 1:  # {{ else if … }}: its own {{ end }} is ours as well
                inner = self._block(end.tokens[1].text, end, end.tokens[2:], depth + 1)
                return Block(kind, pipeline, body, (inner,), piece.line)
            otherwise, end = self.body(depth + 1)
        if end is None:
            raise TemplateSyntaxError(piece.line, f"{{{{ {piece.source} }}}} has no end")
        return Block(kind, pipeline, body, otherwise, piece.line)

    def _definition(self, word: str, piece: ActionPiece, depth: int) -> list[Node]:
        body, end = self.body(depth + 1)
        if end is None:
            raise TemplateSyntaxError(piece.line, f"{{{{ {piece.source} }}}} has no end")
        name = _name(piece)
        self.definitions.append(Definition(name, body, self._file, piece.line))
        if word == "define":
            return []
        return [Template(name, _Tokens(piece.tokens[2:], piece.line).pipeline(), piece.line)]


class _Tokens:
    """Expressions out of the tokens of one action."""

    def __init__(self, tokens: tuple[Token, ...], line: int, depth: int = 0) -> None:
        self._tokens, self._at, self._line, self._depth = tokens, 0, line, depth

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._tokens)

    def pipeline(self) -> Pipeline:
        variables, declares = self._variables()
        expression = self._commands()
        if not self.at_end:
            raise self._wrong()
        return Pipeline(expression, variables, declares)

    def _variables(self) -> tuple[tuple[str, ...], bool]:
        for end, token in enumerate(self._tokens):
            if token.text in (":=", "=") and token.kind == "sign":
                self._at = end + 1
                names = tuple(x.text for x in self._tokens[:end] if x.kind == "variable")
                return names, token.text == ":="
            if token.kind != "variable" and token.text != ",":
                break
        return (), True

    def _commands(self) -> Expression:
        expression = self._command(())
        while self._next("|"):
            expression = self._command((expression,))
        return expression

    def _command(self, piped: tuple[Expression, ...]) -> Expression:
        if self.at_end:
            raise self._wrong()
        first = self._tokens[self._at]
        if first.kind == "word" and first.text not in ("true", "false", "nil"):
            self._at += 1
            call = Call(first.text, (*self._operands(), *piped), first.line)
            return self._fields(call) if not call.arguments else call
        target = self._operand()
        arguments = (*self._operands(), *piped)
        return Method(target, arguments, first.line) if arguments else target

    def _operands(self) -> list[Expression]:
        found = []
        while not self.at_end and self._tokens[self._at].text not in ("|", ")"):
            found.append(self._operand())
        return found

    def _operand(self) -> Expression:
        token = self._tokens[self._at]
        self._at += 1
        if token.text == "(" and token.kind == "sign":
            self._depth += 1
            if self._depth > DEEPEST:
                raise self._wrong()
            inner = self._commands()
            if not self._next(")"):
                raise self._wrong()
            self._depth -= 1
            return self._fields(inner)
        if token.kind == "field":
            self._at -= 1
            return self._fields(Dot(token.line), first=True)
        if token.kind == "word":
            return self._fields(_word(token))
        if token.kind in ("variable", "dot"):
            return self._fields(Variable(token.text, token.line) if token.kind == "variable" else Dot(token.line))
        if token.kind in ("string", "number", "char"):
            return Literal(_literal(token), token.line)
        raise self._wrong()

    def _fields(self, base: Expression, *, first: bool = False) -> Expression:
        names: list[str] = []
        start = self._at
        while not self.at_end and self._tokens[self._at].kind == "field":
            if not self._tokens[self._at].glued and not (first and self._at == start):
                break
            names.append(self._tokens[self._at].text[1:])
            self._at += 1
        return Access(base, tuple(names), self._tokens[start].line) if names else base

    def _next(self, text: str) -> bool:
        if self.at_end or self._tokens[self._at].text != text or self._tokens[self._at].kind != "sign":
            return False
        self._at += 1
        return True

    def _wrong(self) -> TemplateSyntaxError:
        token = self._tokens[min(self._at, len(self._tokens) - 1)] if self._tokens else None
        said = f"unexpected {token.text!r}" if token else "an expression is missing"
        return TemplateSyntaxError(token.line if token else self._line, said)


def _keyword(piece: ActionPiece) -> str:
    return piece.tokens[0].text if piece.tokens and piece.tokens[0].kind == "word" else ""


def _name(piece: ActionPiece) -> str:
    if len(piece.tokens) < 2 or piece.tokens[1].kind != "string":
        raise TemplateSyntaxError(piece.line, f"{{{{ {piece.source} }}}} has no name")
    return str(_literal(piece.tokens[1]))


def _word(token: Token) -> Expression:
    constants: dict[str, t.Any] = {"true": True, "false": False, "nil": None}
    if token.text in constants:
        return Literal(constants[token.text], token.line)
    return Call(token.text, (), token.line)


def _literal(token: Token) -> t.Any:
    text = token.text
    if text.startswith("`"):
        return text[1:-1]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text.strip("\"'")
