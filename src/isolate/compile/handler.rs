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

/// `index.handler`: the file, which was found by it, and a path into its exports.
fn by_name(asked: &str, survey: &Survey, named: HandlerStyle) -> Result<HandlerStyle, String> {
    let Some((_, path)) = split(asked) else { return Err(malformed(asked)) };
    let export = path.split('.').next().unwrap_or(path);
    if survey.has_export(export, named) {
        return Ok(named);
    }
    if export == "default"
        && let Some(style) = whichever_default(survey)
    {
        return Ok(style);
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

/// The file's path without its extension, and the path into its exports: parted at the first dot of the file's name.
pub(super) fn split(handler: &str) -> Option<(&str, &str)> {
    let name = handler.rfind('/').map_or(0, |slash| slash + 1);
    let dot = name + handler[name..].find('.')?;
    let (file, path) = (&handler[..dot], &handler[dot + 1..]);
    (dot > name && !path.is_empty() && !handler.contains("..")).then_some((file, path))
}

pub(super) fn malformed(handler: &str) -> String {
    format!("the handler {handler:?} is not of the form file.export, such as index.handler")
}

fn whichever_default(survey: &Survey) -> Option<HandlerStyle> {
    let assigned = survey.assigned().iter().any(|name| name == "default").then_some(DefaultExport::Other);
    survey.default.or(assigned).map(|default| match default {
        DefaultExport::Function => HandlerStyle::DefaultFunction,
        // What it really is shows when the module is evaluated, and decides then.
        DefaultExport::Other => HandlerStyle::DefaultFetch,
    })
}
