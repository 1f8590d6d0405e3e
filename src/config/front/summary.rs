//! What the front will do, a line for each thing: printed by `plinth check`.

use super::{Action, Front, PathMatch, Route};

/// The sites with their routes, and the upstreams.
#[must_use]
pub fn summary(front: &Front) -> Vec<String> {
    let mut lines = Vec::new();
    for site in &front.sites {
        let files = site.files.root.as_ref().map_or_else(|| "no files".to_owned(), |root| format!("files of {}", root.display()));
        let apis = if site.has_apis() { ", with the APIs" } else { "" };
        lines.push(format!("site {}: {files}{apis}", site.hosts.join(", ")));
        lines.extend(site.routes.iter().map(|route| format!("    {} -> {}", asked(route), does(route))));
    }
    for upstream in &front.upstreams {
        let servers: Vec<_> = upstream.servers.iter().map(|server| format!("{}:{}", server.host, server.port)).collect();
        lines.push(format!("upstream {}: {}", upstream.name, servers.join(", ")));
    }
    lines
}

fn asked(route: &Route) -> String {
    let path = match route.paths.first() {
        Some(PathMatch::Prefix(path)) => path.clone(),
        Some(PathMatch::Exact(path)) => format!("= {path}"),
        Some(PathMatch::Regex(text)) => format!("~ {text}"),
        None => String::new(),
    };
    let headers: String = route.match_headers.iter().map(|(name, _)| format!(" [{name}]")).collect();
    if route.methods.is_empty() { format!("{path}{headers}") } else { format!("{} {path}{headers}", route.methods.join(",")) }
}

fn does(route: &Route) -> String {
    match route.actions.first() {
        None => "files".to_owned(),
        Some(Action::Upstream(name)) => format!("upstream {name}"),
        Some(Action::Function(name)) => format!("function {name}"),
        Some(Action::Redirect(_)) => format!("redirect {}", route.status.unwrap_or(302)),
        Some(Action::Answer) => format!("status {}", route.status.unwrap_or(200)),
        Some(Action::Files(root)) => format!("files of {}", root.display()),
    }
}
