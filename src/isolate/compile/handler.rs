//! Which of the known kinds of handler a source has.

use super::survey::{DefaultExport, Survey};
use crate::isolate::protocol::HandlerStyle;

/// Finds the handler asked for, or whichever kind there is. `named` is the style of one found by its name.
///
/// # Errors
/// What is missing, and what there is instead.
pub(super) fn find(asked: Option<&str>, survey: &Survey, named: HandlerStyle) -> Result<HandlerStyle, String> {
    match asked {
        Some(asked) => by_name(asked, survey, named),
        None => whichever(survey, named),
    }
}

/// `index.handler`: the file, which is the only one, and a path into its exports.
fn by_name(asked: &str, survey: &Survey, named: HandlerStyle) -> Result<HandlerStyle, String> {
    let Some((_, path)) = asked.split_once('.').filter(|(file, path)| !file.is_empty() && !path.is_empty()) else {
        return Err(format!("the handler {asked:?} is not of the form file.export, such as index.handler"));
    };
    let export = path.split('.').next().unwrap_or(path);
    if survey.has_export(export, named) {
        return Ok(named);
    }
    if export == "default" && survey.default.is_some() {
        return whichever_default(survey).ok_or_else(|| "the default export is missing".to_owned());
    }
    Err(format!("the handler {asked:?} is not there: the source exports {}", survey.list()))
}

fn whichever(survey: &Survey, named: HandlerStyle) -> Result<HandlerStyle, String> {
    if survey.has_export("handler", named) {
        return Ok(named);
    }
    if let Some(style) = whichever_default(survey) {
        return Ok(style);
    }
    if survey.calls_serve {
        return Ok(HandlerStyle::DenoServe);
    }
    Err(format!(
        "no handler found: export a function named \"handler\", export a default function or an object with fetch(), or call \
         Deno.serve(); the source exports {}",
        survey.list()
    ))
}

fn whichever_default(survey: &Survey) -> Option<HandlerStyle> {
    survey.default.map(|default| match default {
        DefaultExport::Function => HandlerStyle::DefaultFunction,
        // What it really is shows when the module is evaluated, and decides then.
        DefaultExport::Other => HandlerStyle::DefaultFetch,
    })
}
