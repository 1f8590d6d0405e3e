//! What each form of a query string means.

use plinth::data::request::{
    Aggregate, Arrow, Comparison, Condition, Field, Filter, Fts, Is, Join, JsonKey, JsonStep, Kind, Op, OrderTerm, Quantifier,
    Query, Range, SelectItem, Simple,
};

fn parse(text: &str) -> Query {
    Query::parse(text, Kind::Table).unwrap_or_else(|fault| panic!("{text}: {fault:?}"))
}

fn field(name: &str) -> Field {
    Field { name: name.to_owned(), path: Vec::new() }
}

fn step(arrow: Arrow, key: &str) -> JsonStep {
    JsonStep { arrow, key: JsonKey::Key(key.to_owned()) }
}

fn index(arrow: Arrow, index: i64) -> JsonStep {
    JsonStep { arrow, key: JsonKey::Index(index) }
}

fn column(name: &str) -> SelectItem {
    SelectItem::Field { name: name.to_owned(), path: Vec::new(), cast: None, aggregate: None, alias: None }
}

fn embed(name: &str, select: Vec<SelectItem>) -> SelectItem {
    SelectItem::Embed { name: name.to_owned(), alias: None, hint: None, join: Join::Default, select, spread: false }
}

fn compare(operator: Comparison, value: &str) -> Op {
    Op::Compare { operator, quantifier: None, value: value.to_owned() }
}

fn eq(value: &str) -> Op {
    compare(Comparison::Eq, value)
}

fn simple(operator: Simple, value: &str) -> Op {
    Op::Simple { operator, value: value.to_owned() }
}

fn list(elements: &[&str]) -> Op {
    Op::In(elements.iter().map(|element| (*element).to_owned()).collect())
}

fn filter(name: &str, op: Op) -> Condition {
    Condition::Filter(Filter { field: field(name), negated: false, op })
}

fn not(name: &str, op: Op) -> Condition {
    Condition::Filter(Filter { field: field(name), negated: true, op })
}

fn by(field: Field, descending: bool, nulls_first: Option<bool>) -> OrderTerm {
    OrderTerm { relation: None, field, descending, nulls_first }
}

#[test]
fn a_query_that_says_nothing_reads_everything() {
    for text in ["", "&&", "select", "id"] {
        assert_eq!(parse(text), Query::default(), "{text:?}");
    }
    assert_eq!(parse("select=").select, []);
}

#[test]
fn select_has_columns_aliases_paths_casts_and_aggregates() {
    let with = |path: Vec<JsonStep>, cast: Option<&str>, aggregate, alias: Option<&str>| SelectItem::Field {
        name: "data".to_owned(),
        path,
        cast: cast.map(str::to_owned),
        aggregate,
        alias: alias.map(str::to_owned),
    };
    let cases = [
        ("data", with(vec![], None, None, None)),
        ("d:data", with(vec![], None, None, Some("d"))),
        ("data::text", with(vec![], Some("text"), None, None)),
        ("d:data::double precision", with(vec![], Some("double precision"), None, Some("d"))),
        ("data->a->>b", with(vec![step(Arrow::Json, "a"), step(Arrow::Text, "b")], None, None, None)),
        ("data->0->-1", with(vec![index(Arrow::Json, 0), index(Arrow::Json, -1)], None, None, None)),
        ("data->>78xy", with(vec![step(Arrow::Text, "78xy")], None, None, None)),
        ("data->>\"a.b\"::int", with(vec![step(Arrow::Text, "a.b")], Some("int"), None, None)),
        ("data->!@#$%25^%26*_a-b", with(vec![step(Arrow::Json, "!@#$%^&*_a-b")], None, None, None)),
        ("data.sum()", with(vec![], None, Some((Aggregate::Sum, None)), None)),
        (
            "d:data->>n::int.avg()::text",
            with(vec![step(Arrow::Text, "n")], Some("int"), Some((Aggregate::Avg, Some("text".to_owned()))), Some("d")),
        ),
    ];
    for (text, item) in cases {
        assert_eq!(parse(&format!("select={text}")).select, [item], "{text}");
    }
    assert_eq!(parse("select=a, b ,*").select, [column("a"), column("b"), SelectItem::All]);
    let count = |alias: Option<&str>, cast: Option<&str>| SelectItem::Count {
        alias: alias.map(str::to_owned),
        cast: cast.map(str::to_owned),
    };
    assert_eq!(parse("select=count(),n:count()::text").select, [count(None, None), count(Some("n"), Some("text"))]);
    // Whether `count` is a column, the catalogue knows.
    assert_eq!(parse("select=count,tags(count)").select, [column("count"), embed("tags", vec![column("count")])]);
}

#[test]
fn names_are_of_any_script_and_quotes_take_the_rest() {
    let names = [
        ("created at", "created at"),
        ("with-dash", "with-dash"),
        ("%E6%BC%A2%E5%AD%97_1$", "漢字_1$"),
        ("123", "123"),
        (" padded ", "padded"),
        ("\" padded \"", " padded "),
        ("\"a,b.c:d(e)\\\"\\\\\"", "a,b.c:d(e)\"\\"),
        ("a+b", "a b"),
    ];
    for (text, name) in names {
        assert_eq!(parse(&format!("select={text}")).select, [column(name)], "{text}");
    }
}

#[test]
fn embeds_have_aliases_hints_joins_and_embeds() {
    let of = |alias: Option<&str>, hint: Option<&str>, join, spread| SelectItem::Embed {
        name: "clients".to_owned(),
        alias: alias.map(str::to_owned),
        hint: hint.map(str::to_owned),
        join,
        select: vec![column("id")],
        spread,
    };
    let cases = [
        ("clients(id)", of(None, None, Join::Default, false)),
        ("c:clients(id)", of(Some("c"), None, Join::Default, false)),
        ("clients!inner(id)", of(None, None, Join::Inner, false)),
        ("clients!client_fk!left(id)", of(None, Some("client_fk"), Join::Left, false)),
        ("c:clients!left!client_fk(id)", of(Some("c"), Some("client_fk"), Join::Left, false)),
        ("clients!\"inner\"(id)", of(None, Some("inner"), Join::Default, false)),
        ("clients!leftover(id)", of(None, Some("leftover"), Join::Default, false)),
        ("...clients!inner(id)", of(None, None, Join::Inner, true)),
    ];
    for (text, item) in cases {
        assert_eq!(parse(&format!("select={text}")).select, [item], "{text}");
    }
    let deep = embed("a", vec![SelectItem::All, embed("b", vec![embed("c", vec![])])]);
    assert_eq!(parse("select=a(*,b(c())),d").select, [deep, column("d")]);
}

#[test]
fn every_operator_is_read() {
    use Comparison::{Eq, Gt, Gte, ILike, IMatch, Like, Lt, Lte, Match};
    let comparisons = [Eq, Gt, Gte, Lt, Lte, Like, ILike, Match, IMatch];
    for (word, operator) in ["eq", "gt", "gte", "lt", "lte", "like", "ilike", "match", "imatch"].into_iter().zip(comparisons) {
        assert_eq!(parse(&format!("a={word}.x")).filters, [filter("a", compare(operator, "x"))]);
        assert_eq!(parse(&format!("a=not.{word}.x")).filters, [not("a", compare(operator, "x"))]);
        for (suffix, quantifier) in [("(any)", Quantifier::Any), ("(all)", Quantifier::All)] {
            let op = Op::Compare { operator, quantifier: Some(quantifier), value: "{a*,*z}".to_owned() };
            assert_eq!(parse(&format!("a={word}{suffix}.{{a*,*z}}")).filters, [filter("a", op.clone())]);
            assert_eq!(parse(&format!("or=(a.{word}{suffix}.{{a*,*z}})")).filters, [Condition::Or(vec![filter("a", op)])]);
        }
    }
    let simples = [
        ("neq", Simple::Neq),
        ("cs", Simple::Contains),
        ("cd", Simple::ContainedBy),
        ("ov", Simple::Overlaps),
        ("sl", Simple::StrictlyLeft),
        ("sr", Simple::StrictlyRight),
        ("nxr", Simple::NotExtendsRight),
        ("nxl", Simple::NotExtendsLeft),
        ("adj", Simple::Adjacent),
    ];
    for (word, operator) in simples {
        assert_eq!(parse(&format!("a={word}.{{a,b}}")).filters, [filter("a", simple(operator, "{a,b}"))]);
    }
    assert_eq!(parse("a=isdistinct.x").filters, [filter("a", Op::IsDistinct("x".to_owned()))]);
    for (word, syntax) in [("fts", Fts::Query), ("plfts", Fts::Plain), ("phfts", Fts::Phrase), ("wfts", Fts::Web)] {
        let op = |config: Option<&str>| Op::Fts { syntax, config: config.map(str::to_owned), value: "cat".to_owned() };
        assert_eq!(parse(&format!("a={word}.cat")).filters, [filter("a", op(None))]);
        assert_eq!(parse(&format!("a={word}(english).cat")).filters, [filter("a", op(Some("english")))]);
    }
    let is = [
        ("null", Is::Null),
        ("NULL", Is::Null),
        ("not_null", Is::NotNull),
        ("tRuE", Is::True),
        ("false", Is::False),
        ("unknown", Is::Unknown),
    ];
    for (word, is) in is {
        assert_eq!(parse(&format!("a=is.{word}")).filters, [filter("a", Op::Is(is))]);
    }
}

#[test]
fn a_plain_value_is_the_rest_of_the_string() {
    let values = [
        ("title=eq.\"a\"", "\"a\""),
        ("title=eq.null", "null"),
        ("title=eq.", ""),
        ("title=eq.a.b,c)(", "a.b,c)("),
        ("title=eq.a%2Cb%26c%3Dd", "a,b&c=d"),
        ("title=eq.a+b%2Bc", "a b+c"),
        ("title=eq.not.eq.1", "not.eq.1"),
        ("title=eq.=", "="),
        ("title=eq.%C3%A9\u{e9}", "éé"),
    ];
    for (text, value) in values {
        assert_eq!(parse(text).filters, [filter("title", eq(value))], "{text}");
    }
    assert_eq!(parse("meta=cs.{\"a\":1}").filters, [filter("meta", simple(Simple::Contains, "{\"a\":1}"))]);
}

#[test]
fn lists_have_quotes_and_escapes() {
    let lists: [(&str, &[&str]); 10] = [
        ("(1,2,3)", &["1", "2", "3"]),
        ("()", &[]),
        ("(\"\")", &[""]),
        ("(,)", &["", ""]),
        ("(\"a,b\",c)", &["a,b", "c"]),
        ("(\"a)b\",\"c\\\"d\\\\\")", &["a)b", "c\"d\\"]),
        ("(a b, c)", &["a b", " c"]),
        ("(\"a\"b,c)", &["\"a\"b", "c"]),
        ("(\"open)", &["\"open"]),
        (" ( {a} ) ", &["{a} "]),
    ];
    for (text, elements) in lists {
        assert_eq!(parse(&format!("a=in.{text}")).filters, [filter("a", list(elements))], "{text}");
    }
}

#[test]
fn logic_has_trees_and_its_own_quotes() {
    let text = "or=(id.eq.1,not.and(a.not.in.(1,2),b.is.null),\"and\".gt.2)";
    let inner = Condition::And(vec![not("a", list(&["1", "2"])), filter("b", Op::Is(Is::Null))]);
    let tree =
        Condition::Or(vec![filter("id", eq("1")), Condition::Not(Box::new(inner)), filter("and", compare(Comparison::Gt, "2"))]);
    assert_eq!(parse(text).filters, [tree]);
    let values = [
        ("\"a,b)\\\"\"", "a,b)\""),
        ("{a,b}", "{a,b}"),
        ("{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1}}"),
        ("a.b.c", "a.b.c"),
        ("", ""),
        ("\"a\"b", "\"a\"b"),
        ("null", "null"),
    ];
    for (text, value) in values {
        let both = Condition::And(vec![filter("t", eq(value)), filter("n", eq("1"))]);
        assert_eq!(parse(&format!("and=(t.eq.{text},n.eq.1)")).filters, [both], "{text}");
    }
    let negated = Condition::Not(Box::new(Condition::Or(vec![filter("a", eq("1"))])));
    assert_eq!(parse("not.or=( a.eq.1)").filters, [negated]);
    let in_json = Field { name: "data".to_owned(), path: vec![step(Arrow::Json, "n")] };
    let by_json = Condition::Filter(Filter { field: in_json, negated: false, op: compare(Comparison::Gt, "5") });
    assert_eq!(parse("or=(data->n.gt.5)").filters, [Condition::Or(vec![by_json])]);
}

#[test]
fn filters_add_up_and_columns_may_have_reserved_names_in_quotes() {
    let text = "age=gte.18&age=lt.99&\"order\"=eq.1&\"select\"=eq.2&and=(a.eq.1)&data->>k=eq.v";
    let data = Field { name: "data".to_owned(), path: vec![step(Arrow::Text, "k")] };
    let filters = [
        filter("age", compare(Comparison::Gte, "18")),
        filter("age", compare(Comparison::Lt, "99")),
        filter("order", eq("1")),
        filter("select", eq("2")),
        Condition::And(vec![filter("a", eq("1"))]),
        Condition::Filter(Filter { field: data, negated: false, op: eq("v") }),
    ];
    assert_eq!(parse(text).filters, filters);
}

#[test]
fn order_has_directions_nulls_paths_and_relations() {
    let data = Field { name: "data".to_owned(), path: vec![step(Arrow::Json, "a"), index(Arrow::Text, 0)] };
    let related =
        OrderTerm { relation: Some("client".to_owned()), field: data.clone(), descending: true, nulls_first: Some(false) };
    let cases = [
        ("a", vec![by(field("a"), false, None)]),
        ("a.asc, b.desc", vec![by(field("a"), false, None), by(field("b"), true, None)]),
        ("a.nullsfirst", vec![by(field("a"), false, Some(true))]),
        ("a.desc.nullslast", vec![by(field("a"), true, Some(false))]),
        ("data->a->>0.desc", vec![by(data, true, None)]),
        ("client(data->a->>0).desc.nullslast", vec![related]),
        ("asc.desc", vec![by(field("asc"), true, None)]),
    ];
    for (text, order) in cases {
        assert_eq!(parse(&format!("order={text}")).order, order, "{text}");
    }
    assert_eq!(parse("order=a&order=b").order, [by(field("a"), false, None)]);
}

#[test]
fn windows_ignore_what_is_no_number_and_meet_the_range() {
    let window = |text: &str| (parse(text).limit, parse(text).offset);
    assert_eq!(window("limit=10&offset=5"), (Some(10), 5));
    assert_eq!(window("limit=ten&offset=x"), (None, 0));
    assert_eq!(window("limit=0"), (Some(0), 0));
    assert_eq!(window("limit=1&limit=2"), (Some(2), 0));
    assert_eq!(window("limit=99999999999999999999999"), (Some(i64::MAX as u64), 0));
    let narrowed = |text: &str, first: u64, last: Option<u64>| {
        let mut query = parse(text);
        query.narrow(Range { first, last }).map(|()| (query.limit, query.offset))
    };
    assert_eq!(narrowed("", 5, Some(9)), Ok((Some(5), 5)));
    assert_eq!(narrowed("", 5, None), Ok((None, 5)));
    assert_eq!(narrowed("offset=10&limit=5", 0, Some(11)), Ok((Some(2), 10)));
    assert_eq!(narrowed("limit=0", 5, Some(9)), Ok((Some(0), 0)));
    assert_eq!(narrowed("offset=10", 0, Some(4)).map_err(|fault| fault.status()), Err(416));
    for text in ["limit=-1", "offset=-1", "select=a()&a.limit=-1"] {
        assert_eq!(
            Query::parse(text, Kind::Table).map_err(|fault| (fault.code(), fault.status())),
            Err(("PGRST103", 416)),
            "{text}"
        );
    }
}

#[test]
fn an_embed_is_addressed_by_its_path() {
    let text = "select=*,a(b:c(*)),x:c(*)&a.name=eq.1&a.b.order=id.desc&a.b.limit=2&a.b.offset=1&a.b.not.or=(n.eq.1)&x.id=eq.2&a=not.is.null";
    let query = parse(text);
    assert_eq!(query.filters, [not("a", Op::Is(Is::Null))]);
    assert_eq!(query.nested.get(&["a"]).unwrap().filters, [filter("name", eq("1"))]);
    let inner = query.nested.get(&["a", "b"]).unwrap();
    assert_eq!((inner.limit, inner.offset), (Some(2), 1));
    assert_eq!(inner.order, [by(field("id"), true, None)]);
    assert_eq!(inner.filters, [Condition::Not(Box::new(Condition::Or(vec![filter("n", eq("1"))])))]);
    assert_eq!(query.nested.get(&["x"]).unwrap().filters, [filter("id", eq("2"))]);
    assert_eq!(query.nested.get(&["c"]), None);
    // A name that only one embed of the level has does as well as its alias.
    assert_eq!(parse("select=x:c(*)&c.id=eq.2").nested.get(&["x"]).unwrap().filters, [filter("id", eq("2"))]);
    assert_eq!(parse("select=\"not\"()&\"not\".or=(n.eq.1)").nested.get(&["not"]).unwrap().filters.len(), 1);
}

#[test]
fn a_prefix_that_is_not_selected_is_refused() {
    for text in ["a.id=eq.1", "select=a(*)&a.b.order=id", "select=a(*)&b.limit=1", "select=*&not.a.or=(n.eq.1)"] {
        let fault = Query::parse(text, Kind::Table).unwrap_err();
        assert_eq!((fault.code(), fault.status()), ("PGRST108", 400), "{text}");
    }
    let fault = Query::parse("select=x:c(*),y:c(*)&c.id=eq.1", Kind::Table).unwrap_err();
    assert_eq!(fault.hint().unwrap(), "Change 'c' to 'x' or 'y' in filters, orders or limits.");
    assert_eq!(Query::parse("select=c(*),c(id)", Kind::Table).map_err(|fault| fault.code()), Err("PGRST100"));
}

#[test]
fn columns_and_conflicts_are_lists_of_names() {
    let query = parse("columns=%22a%22,b,%22a%22&on_conflict=slug,%22x,y%22&columns=ignored");
    assert_eq!(query.columns.unwrap(), ["a", "b"]);
    assert_eq!(query.on_conflict.unwrap(), ["slug", "x,y"]);
}

#[test]
fn what_is_no_operation_is_an_argument_of_a_function() {
    let text = "a=1&b={1,2}&b={3}&c=eq.5&d=in.the+box&e=not.bad&select=id&order=id&limit=2&f=";
    let query = Query::parse(text, Kind::RpcGet).unwrap();
    let arguments = [("a", "1"), ("b", "{1,2}"), ("b", "{3}"), ("d", "in.the box"), ("e", "not.bad"), ("f", "")];
    assert_eq!(query.arguments, arguments.map(|(key, value)| (key.to_owned(), value.to_owned())));
    assert_eq!(query.filters, [filter("c", eq("5"))]);
    assert_eq!(query.limit, Some(2));
    for kind in [Kind::Table, Kind::RpcPost] {
        assert_eq!(Query::parse("a=1", kind).map_err(|fault| fault.code()), Err("PGRST100"));
    }
}

#[test]
fn put_is_about_one_row() {
    assert_eq!(parse("id=eq.1").check_put(), Ok(()));
    assert_eq!(parse("id=eq.1&limit=1").check_put().map_err(|fault| fault.code()), Err("PGRST114"));
}
