//! Which files are migrations, and in which order.

use plinth::data::migrations::{MAX_MIGRATIONS, Migration, in_order, new_file, read};
use plinth::types::{Clock, Timestamp};

use super::Folder;

fn names(folder: &Folder) -> Vec<String> {
    read(folder.path()).expect("the folder is good").iter().map(Migration::file_name).collect()
}

fn faults(folder: &Folder) -> Vec<String> {
    read(folder.path()).expect_err("the folder is refused").iter().map(ToString::to_string).collect()
}

#[test]
fn a_folder_of_supabases_is_taken_as_it_is() {
    let folder = Folder::new(&[
        ("20240522145301_remote_schema.sql", "select 1"),
        ("20240101000000_init.sql", "select 2"),
        ("20240601101010_add-todos (2).sql", "select 3"),
        ("0_zero.sql", "select 0"),
        ("seed.sql", "not a migration"),
        ("README.md", "not a migration"),
        (".gitkeep", ""),
        (".hidden.sql", "not a migration"),
    ]);
    std::fs::create_dir(folder.path().join("archive")).unwrap();
    std::fs::create_dir(folder.path().join("20250101000000_folder.sql")).unwrap();
    let expected =
        ["0_zero.sql", "20240101000000_init.sql", "20240522145301_remote_schema.sql", "20240601101010_add-todos (2).sql"];
    assert_eq!(names(&folder), expected);
}

#[test]
fn versions_are_ordered_as_numbers() {
    let folder = Folder::new(&[("10_c.sql", ""), ("0002_b.sql", ""), ("1_a.sql", ""), ("20260101000000_d.sql", "")]);
    assert_eq!(names(&folder), ["1_a.sql", "0002_b.sql", "10_c.sql", "20260101000000_d.sql"]);
}

#[test]
fn each_bad_file_is_named_with_what_to_do() {
    let folder = Folder::new(&[
        ("1_good.sql", ""),
        ("todos.sql", ""),
        ("1a_x.sql", ""),
        ("_x.sql", ""),
        ("20260101000000.sql", ""),
        ("1234567890123456789_x.sql", ""),
        ("5_long.sql", &" ".repeat((1 << 20) + 1)),
    ]);
    std::fs::write(folder.path().join("6_bytes.sql"), [0xff, 0xfe]).unwrap();
    let faults = faults(&folder);
    let named = |file: &str| {
        faults.iter().find(|fault| fault.starts_with(&format!("{file}: "))).unwrap_or_else(|| panic!("{file}: {faults:?}"))
    };
    for file in ["todos.sql", "1a_x.sql", "_x.sql", "20260101000000.sql"] {
        assert!(named(file).contains("<version>_<name>.sql") && named(file).contains("rename it"), "{}", named(file));
    }
    assert!(named("1234567890123456789_x.sql").contains("1 to 18 digits"));
    assert!(named("5_long.sql").contains("1048577 bytes") && named("5_long.sql").contains("split it"));
    assert!(named("6_bytes.sql").contains("UTF-8"));
    assert_eq!(faults.len(), 7, "{faults:?}");
}

#[test]
fn a_version_that_is_there_twice_is_refused_with_both_files() {
    let folder = Folder::new(&[("1_a.sql", ""), ("0001_b.sql", ""), ("2_c.sql", "")]);
    assert_eq!(faults(&folder), ["0001_b.sql: has the same version as 1_a.sql; give one of them another"]);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = Folder::new(&[]);
    let gone = folder.path().join("gone");
    let faults = read(&gone).unwrap_err();
    assert!(faults[0].to_string().contains("gone: the folder cannot be read"), "{faults:?}");
}

#[test]
fn there_are_so_many_migrations_at_the_most() {
    let many = |count: usize| (0..count).map(|number| Migration::new(&number.to_string(), "x", String::new()).unwrap()).collect();
    assert!(in_order(many(MAX_MIGRATIONS)).is_ok());
    let refused = in_order(many(MAX_MIGRATIONS + 1)).unwrap_err();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].message.contains("more than 10000 migrations"), "{refused:?}");
}

#[test]
fn how_lines_end_does_not_change_a_migration() {
    let of = |sql: &str| Migration::new("1", "x", sql.to_owned()).unwrap().checksum();
    assert_eq!(of("select 1;\nselect 2;\n"), of("select 1;\r\nselect 2;\r\n"));
    assert_ne!(of("select 1;"), of("select 2;"));
    assert_eq!(of("").len(), 64);
    let folder = Folder::new(&[("1_a.sql", "\u{feff}select 1")]);
    assert_eq!(read(folder.path()).unwrap()[0].sql, "select 1");
}

#[test]
fn a_new_file_comes_after_all_others() {
    let folder = Folder::new(&[]);
    let inner = folder.path().join("supabase/migrations");
    let now: Timestamp = "2026-03-04T05:06:07Z".parse().unwrap();
    let clock = Clock::manual(now);
    let made =
        |name: &str| new_file(&inner, name, clock.now()).map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    assert_eq!(made("add teams").unwrap(), "20260304050607_add_teams.sql");
    assert_eq!(made("rights").unwrap(), "20260304050608_rights.sql");
    assert_eq!(std::fs::read_to_string(inner.join("20260304050608_rights.sql")).unwrap(), "");
    for bad in ["", "a/b", "../x", "a.b", "a;b"] {
        assert!(made(bad).unwrap_err().contains("letters, digits"), "{bad}");
    }
}
