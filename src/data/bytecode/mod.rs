//! Trees as straight code for a stack machine: `def`s written out, slots and constants read where they are.
//!
//! Comes in: a checked tree. Goes out: a [`Program`], and from it and an environment the same value, or the same fault,
//! that walking the tree gives; only the moment at which the steps run out may differ.
//!
//! INVARIANT (stacked): at every instruction the height of the stack is the same, whichever way led there. Registers,
//! loops and absorbed faults have fixed places. A fault looks up the handler of its instruction: the connective or the
//! macro around it that absorbs it, the height of the stack there, and where it goes on.

mod assemble;
mod machine;

use std::sync::Arc;

use super::{ExternId, FamilyId, Function, Macro, Operator, Pattern, Slot, Sort, Value, tree::Spot};

pub(super) use machine::run;

/// Where an operand is.
#[derive(Clone, Copy, Debug)]
enum Arg {
    /// On the stack; it is taken from there.
    Pop,
    /// In a slot, by its place in [`Program::slots`].
    Slot(u32),
    /// In [`Program::constants`].
    Const(u32),
    /// In a register.
    Register(u32),
}

#[derive(Clone, Debug)]
enum Ins {
    Push(Arg),
    Now,
    Binary(Operator, Arg, Arg),
    Not,
    Negate,
    /// One operand of a connective is on the stack: if it decides, that is the result.
    Decide {
        decides: bool,
        fault: u32,
        end: u32,
    },
    /// The same of a comparison that is not made a value.
    Test {
        operator: Operator,
        a: Arg,
        b: Arg,
        decides: bool,
        fault: u32,
        end: u32,
    },
    /// No operand decided: the first fault, or else this.
    Close {
        otherwise: bool,
        fault: u32,
    },
    Jump(u32),
    /// Jumps if what is on the stack is false.
    Branch(u32),
    /// Members of members.
    Path(Arg, Box<[(Arc<str>, Spot)]>),
    /// Whether they are there.
    Has {
        of: Arg,
        names: Box<[Arc<str>]>,
        option: bool,
    },
    HasInstance {
        family: FamilyId,
        keys: u32,
        variable: u32,
        names: Box<[Arc<str>]>,
        option: bool,
    },
    Index(Arg, Arg),
    List(u32),
    Set(u32),
    Map(u32),
    Record(Box<[Arc<str>]>),
    Call(Function, u32),
    Matches(Pattern),
    Cast {
        sort: Box<Sort>,
        soft: bool,
    },
    Is(Box<Sort>),
    Extern(ExternId, u32),
    Lives(FamilyId, u32),
    Instance(FamilyId, u32, u32, Arc<str>),
    Store(u32),
    /// A loop over the collection on the stack begins.
    Each {
        turn: u32,
        fault: u32,
    },
    /// The next element, or the end.
    Next {
        turn: u32,
        register: u32,
        done: u32,
        cost: u32,
    },
    /// What the body says of an element is on the stack.
    Take {
        kind: Macro,
        turn: u32,
        register: u32,
        fault: u32,
        next: u32,
        end: u32,
    },
    Done {
        kind: Macro,
        turn: u32,
        fault: u32,
    },
}

/// Who absorbs a fault.
#[derive(Clone, Copy, Debug)]
struct Handler {
    goes_on: u32,
    height: u32,
    fault: u32,
}

const NOBODY: u32 = u32::MAX;

/// Straight code.
#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    code: Vec<Ins>,
    spots: Vec<Spot>,
    /// For each instruction, its place in `handlers`.
    handled: Vec<u32>,
    handlers: Vec<Handler>,
    slots: Vec<(Slot, Arc<str>, Spot)>,
    constants: Vec<Value>,
    registers: usize,
    turns: usize,
    faults: usize,
}
