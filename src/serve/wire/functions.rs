//! Functions of PostgreSQL that clients call while they browse, and whose answer does not depend on what is asked: there are no
//! extensions, comments or definitions here, and everything is visible.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use datafusion::prelude::SessionContext;

use super::settings::VERSION;

/// Functions that are true of everything.
const VISIBLE: &[&str] =
    &["pg_function_is_visible", "pg_type_is_visible", "pg_operator_is_visible", "pg_collation_is_visible"];

/// Functions that give a text of something that is not there.
const TEXTS: &[&str] = &[
    "col_description",
    "obj_description",
    "pg_get_function_arguments",
    "pg_get_function_identity_arguments",
    "pg_get_function_result",
    "pg_get_indexdef",
    "pg_get_ruledef",
    "pg_get_serial_sequence",
    "pg_get_triggerdef",
    "pg_get_viewdef",
    "shobj_description",
];

/// Functions that find nothing.
const NUMBERS: &[&str] = &["to_regclass", "to_regtype"];

/// Adds the functions to a session, of which `user` is the user.
pub fn register(context: &SessionContext, user: &str) {
    let text = |text: &str| ScalarValue::Utf8(Some(text.to_owned()));
    for name in ["current_user", "session_user", "user"] {
        context.register_udf(ScalarUDF::new_from_impl(Constant::new(name, text(user))));
    }
    context.register_udf(ScalarUDF::new_from_impl(Constant::new("version", text(&format!("PostgreSQL {VERSION}")))));
    let visible = VISIBLE.iter().map(|name| (*name, ScalarValue::Boolean(Some(true))));
    let texts = TEXTS.iter().map(|name| (*name, ScalarValue::Utf8(None)));
    let numbers = NUMBERS.iter().map(|name| (*name, ScalarValue::Int32(None)));
    let others =
        [("pg_advisory_unlock_all", ScalarValue::Utf8(None)), ("pg_is_in_recovery", ScalarValue::Boolean(Some(false)))];
    for (name, value) in visible.chain(texts).chain(numbers).chain(others) {
        // What the catalogue brings itself is better.
        if !context.state().scalar_functions().contains_key(name) {
            context.register_udf(ScalarUDF::new_from_impl(Constant::new(name, value)));
        }
    }
}

/// A function with any arguments and one value.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Constant {
    name: &'static str,
    value: ScalarValue,
    signature: Signature,
}

impl Constant {
    fn new(name: &'static str, value: ScalarValue) -> Constant {
        let any = vec![TypeSignature::Nullary, TypeSignature::VariadicAny];
        Constant { name, value, signature: Signature::one_of(any, Volatility::Stable) }
    }
}

impl ScalarUDFImpl for Constant {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.value.data_type())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(self.value.clone()))
    }
}
