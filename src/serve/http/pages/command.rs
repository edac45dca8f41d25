//! The command that asks what a page shows.

use crate::report::cases::quoted;
use crate::serve::http::params::Params;

/// The command about a metric that has those of the parameters which are named.
pub fn metric(name: &str, params: &Params, flags: &[&str]) -> String {
    let mut command = format!("casebook metric {name}");
    for flag in flags {
        for value in params.all(flag) {
            command.push_str(&format!(" --{flag} {}", quoted(&value)));
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_the_parameters_that_are_its_flags() {
        let params = Params::of("range=last+7+days&where=a%3Db&where=c%3Dd+e&page=2");
        let expected = "casebook metric backlog --range 'last 7 days' --where a=b --where 'c=d e'";
        assert_eq!(metric("backlog", &params, &["range", "where"]), expected);
    }
}
