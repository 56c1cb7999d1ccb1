//! Stand-in until the room of values lands.
#![allow(missing_docs, reason = "a stand-in")]
pub use crate::protocol::Sort;
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u32);
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternId(pub u32);
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FamilyId(pub u32);
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value { Unit, Bool(bool), Int(i64), Duration(i64), Text(std::sync::Arc<str>) }
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why { Unset(std::sync::Arc<str>), Other }
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(Why);
impl Fault { pub fn why(&self) -> &Why { &self.0 } }
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit { pub path: String, pub what: String }
pub fn fits(_: &Sort, _: &Value) -> Result<(), Misfit> { Ok(()) }
pub trait Env {
    fn slot(&self, slot: Slot) -> Option<&Value>;
    fn now(&self) -> Option<i64> { None }
    fn external(&self, _id: ExternId, _args: &[Value]) -> Option<bool> { None }
    fn lives(&self, _family: FamilyId, _keys: &[Value]) -> bool { false }
    fn instance(&self, _family: FamilyId, _keys: &[Value], _variable: u32) -> Option<&Value> { None }
}
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Code(std::sync::Arc<str>);
impl Code { pub fn eval(&self, _: &dyn Env) -> Result<Value, Fault> { Err(Fault(Why::Other)) } }
