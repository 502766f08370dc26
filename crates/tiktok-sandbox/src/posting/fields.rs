//! Fields of a JSON object, read with their types. A `null` is an absent field; what the contract
//! does not know is let be, as clients send more than it names.

use serde_json::{Map, Value};

use crate::call::Call;
use crate::envelope::Refusal;

/// `error.message` for a `post_info` that cannot be read.
pub(super) const POST_INFO: &str = "The request post info is empty or incorrect";
/// `error.message` for a `source_info` that cannot be read.
pub(super) const SOURCE_INFO: &str = "The request source info is empty or incorrect";
/// `error.message` for a body that is no JSON object.
pub(super) const BODY: &str = "The request body is empty or incorrect";

/// An object and the message that its mistakes lead to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    message: &'static str,
}

/// The JSON body of a call, which must be an object.
pub(crate) fn body(call: &Call) -> Result<Value, Refusal> {
    call.json().filter(Value::is_object).ok_or_else(|| Refusal::params(BODY))
}

impl<'a> Fields<'a> {
    /// The fields of a value that must be an object.
    pub(crate) fn of(value: &'a Value, message: &'static str) -> Result<Self, Refusal> {
        let map = value.as_object().ok_or_else(|| Refusal::params(message))?;
        Ok(Self { map, message })
    }

    /// The fields of an object inside, which must be there and not be empty.
    pub(super) fn inside(&self, name: &str, message: &'static str) -> Result<Self, Refusal> {
        let fields = Self::of(self.map.get(name).unwrap_or(&Value::Null), message)?;
        if fields.map.is_empty() { Err(fields.wrong()) } else { Ok(fields) }
    }

    /// The refusal of this object.
    pub(super) fn wrong(&self) -> Refusal {
        Refusal::params(self.message)
    }

    /// A field as it is; none if absent or `null`.
    pub(crate) fn value(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, Refusal> {
        self.typed(name, Value::as_str)
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        self.typed(name, Value::as_bool)
    }

    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        self.typed(name, Value::as_i64)
    }

    pub(super) fn int32(&self, name: &str) -> Result<Option<i32>, Refusal> {
        self.typed(name, |value| value.as_i64().and_then(|value| i32::try_from(value).ok()))
    }

    pub(super) fn list(&self, name: &str) -> Result<Option<&'a Vec<Value>>, Refusal> {
        self.typed(name, Value::as_array)
    }

    /// A text of at most so many UTF-16 units.
    pub(super) fn bounded(&self, name: &str, units: usize) -> Result<&'a str, Refusal> {
        let text = self.text(name)?.unwrap_or_default();
        if text.encode_utf16().count() > units { Err(self.wrong()) } else { Ok(text) }
    }

    fn typed<T>(
        &self,
        name: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        match self.value(name) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| self.wrong()),
        }
    }
}
