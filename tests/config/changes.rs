//! The difference of two configurations.

use plinth::config::Flags;

fn lines(from: &str, to: &str) -> Vec<String> {
    let [from, to] = [from, to].map(|text| super::load(text, &[], &Flags::default()).expect("it checks").written);
    let line = |change: &plinth::config::Change| format!("{}{change}", if change.needs_restart { "restart: " } else { "" });
    from.changes_to(&to).iter().map(line).collect()
}

const SITES: &str = r#"
[[upstreams]]
name = "app"
servers = ["127.0.0.1:3000", "127.0.0.1:3001"]

[[sites]]
hosts = ["www.example.com"]

[[sites.routes]]
path = "/api"
upstream = "app"

[[sites.routes]]
path = "/old"
redirect = "/new"
"#;

#[test]
fn settings_and_tables_are_compared_by_name() {
    assert_eq!(lines(SITES, SITES), Vec::<String>::new());
    assert_eq!(lines(SITES, &format!("# moved down\n\n{SITES}")), Vec::<String>::new(), "a place is no value");
    assert_eq!(
        lines("", "[server]\nworkers = 4\n[log]\nlevel = \"debug\"\n"),
        ["log.level info -> debug", "restart: server.workers 0 -> 4"]
    );
    let changed = SITES.replace("\"127.0.0.1:3000\", ", "").replace("redirect = \"/new\"", "redirect = \"/newer\"");
    assert_eq!(
        lines(SITES, &changed),
        [
            "sites[www.example.com].routes[/old].redirect /new -> /newer",
            "upstreams[app].servers 127.0.0.1:3000, 127.0.0.1:3001 -> 127.0.0.1:3001",
        ]
    );
}

#[test]
fn another_order_is_a_change_and_so_is_what_went() {
    let (head, routes) = SITES.split_once("[[sites.routes]]").unwrap();
    let (first, second) = routes.split_once("[[sites.routes]]").unwrap();
    let turned = format!("{head}[[sites.routes]]{second}[[sites.routes]]{first}");
    assert_eq!(lines(SITES, &turned), ["sites[www.example.com].routes /api, /old -> /old, /api"]);
    let gone = format!("{head}[[sites.routes]]{first}");
    assert_eq!(
        lines(SITES, &gone),
        [
            "sites[www.example.com].routes /api, /old -> /api",
            "sites[www.example.com].routes[/old].path /old -> (not set)",
            "sites[www.example.com].routes[/old].redirect /new -> (not set)",
        ]
    );
}

#[test]
fn what_is_secret_is_told_as_changed_alone() {
    let url = |password: &str| format!("[database]\nurl = \"postgres://plinth:{password}@db/plinth\"\n");
    assert_eq!(lines(&url("one"), &url("one")), Vec::<String>::new());
    assert_eq!(lines(&url("one"), &url("two")), ["restart: database.url [secret] -> [secret]"]);
    let site = |value: &str| format!("[[sites]]\nhosts = \"*\"\nheaders = {{ authorization = {value:?}, x-plain = \"yes\" }}\n");
    assert_eq!(
        lines("", &site("Basic b25l")),
        [
            "sites (not set) -> *",
            "sites[*].headers.authorization (not set) -> [secret]",
            "sites[*].headers.x-plain (not set) -> yes",
            "sites[*].hosts (not set) -> *",
        ]
    );
    let text = format!("{:?}", super::load(&url("hunter2"), &[], &Flags::default()).unwrap().written);
    assert!(!text.contains("hunter2"), "{text}");
}
