//! The forms in which a function may be named: `name`, `name:qualifier`, `account:function:name`, and ARNs.

use super::error::{Exception, Result};
use crate::functions::model::Qualifier;
use crate::types::FunctionName;

/// The longest reference, in characters.
const MAX: usize = 256;

/// A function, and which of its revisions is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) name: FunctionName,
    pub(super) qualifier: Option<Qualifier>,
}

impl Reference {
    /// Reads a reference, decoded already. Region, partition and account of an ARN may be any.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Exception::invalid(format!(
                "1 validation error detected: Value '{}' at 'functionName' failed to satisfy constraint: it must be a name, \
                 name:qualifier, account:function:name, or an ARN of a function",
                text.chars().take(MAX).collect::<String>()
            ))
        };
        if text.len() > MAX {
            return Err(wrong());
        }
        let parts: Vec<&str> = text.split(':').collect();
        let is_account = |part: &str| part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_digit());
        let (name, qualifier) = match parts.as_slice() {
            [name] => (*name, None),
            [name, qualifier] => (*name, Some(*qualifier)),
            ["function", name, qualifier] => (*name, Some(*qualifier)),
            [account, "function", name] if is_account(account) => (*name, None),
            [account, "function", name, qualifier] if is_account(account) => (*name, Some(*qualifier)),
            ["arn", _, "lambda", _, account, "function", name] if is_account(account) => (*name, None),
            ["arn", _, "lambda", _, account, "function", name, qualifier] if is_account(account) => (*name, Some(*qualifier)),
            _ => return Err(wrong()),
        };
        let qualifier = qualifier.map(parse_qualifier).transpose()?;
        Ok(Self { name: name.parse().map_err(|_| wrong())?, qualifier })
    }

    /// The same with the qualifier of a request's `Qualifier`, which must not contradict its own.
    pub(super) fn qualified(mut self, asked: Option<&str>) -> Result<Self> {
        let Some(asked) = asked.map(parse_qualifier).transpose()? else { return Ok(self) };
        if self.qualifier.as_ref().is_some_and(|own| *own != asked) {
            let message = "The derived qualifier from the function name does not match the specified qualifier.";
            return Err(Exception::invalid(message));
        }
        self.qualifier = Some(asked);
        Ok(self)
    }

    /// The name alone, for operations on the function as a whole.
    pub(super) fn unqualified(self) -> Result<FunctionName> {
        match self.qualifier {
            None | Some(Qualifier::Latest) => Ok(self.name),
            Some(_) => Err(Exception::invalid("This operation is not supported for function versions and aliases.")),
        }
    }

    /// The name, and the alias where there is one: what may have a URL.
    pub(super) fn with_alias(self) -> Result<(FunctionName, Option<String>)> {
        match self.qualifier {
            None => Ok((self.name, None)),
            Some(Qualifier::Alias(alias)) => Ok((self.name, Some(alias))),
            Some(_) => Err(Exception::invalid("A function URL is of a function or of an alias; versions and $LATEST have none.")),
        }
    }
}

fn parse_qualifier(text: &str) -> Result<Qualifier> {
    text.parse().map_err(|err| Exception::invalid(format!("Value '{text}' at 'qualifier' failed to satisfy constraint: {err}")))
}
