"""Trace once, replay: programs, the passes over them, and what they are printed as."""

from anygrad.compiler.compiled import Compiled, compile
from anygrad.compiler.program import Node, Program, Ref, Spec
from anygrad.compiler.scanning import scan

__all__ = ["Compiled", "Node", "Program", "Ref", "Spec", "compile", "scan"]
