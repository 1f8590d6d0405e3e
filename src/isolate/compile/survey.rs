//! What a program exports, imports and calls, as far as its text tells.

use oxc_ast::ast::{
    AssignmentExpression, CallExpression, Declaration, Decorator, ExportAllDeclaration, ExportDeclaration,
    ExportDefaultDeclaration, ExportDefaultDeclarationKind, ExportFromDeclaration, ExportNamedDeclaration, Expression,
    ImportDeclaration, ImportExpression, MemberExpression, ObjectPropertyKind, Program, TryStatement,
};
use oxc_ast_visit::{Visit, walk};
use oxc_semantic::{ReferenceId, Scoping};
use oxc_span::Span;

use crate::isolate::protocol::{By, HandlerStyle};

/// What `export default` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DefaultExport {
    Function,
    /// An object, a class instance, or a name that stands for anything.
    Other,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Names exported, `default` apart.
    exports: Vec<String>,
    /// Names assigned to `exports` or `module.exports`.
    assigned: Vec<String>,
    /// `module.exports = …`: names may be there that the text does not tell.
    replaces_exports: bool,
    /// `export * from …`: names may be there that this text does not tell.
    passes_exports_on: bool,
    /// Modules whose exports a `CommonJS` module passes on as its own.
    pub(super) passed_on: Vec<String>,
    pub(super) default: Option<DefaultExport>,
    pub(super) is_common_js: bool,
    pub(super) calls_serve: bool,
    /// Modules asked for by name.
    pub(super) requests: Vec<Request>,
    /// Calls of something named `require`, and what the name refers to.
    requires: Vec<(Request, Option<ReferenceId>)>,
    /// `import(x)` or `require(x)` of what only shows at run time.
    pub(super) is_computed: bool,
    pub(super) decorators: Vec<Span>,
    /// How many `try` blocks are around what is visited.
    guards: usize,
}

/// A module asked for by name.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) by: By,
    /// In a `try` block: the source is prepared not to get it.
    pub(super) is_guarded: bool,
}

impl Survey {
    pub(super) fn of(program: &Program<'_>) -> Self {
        let mut survey = Self::default();
        survey.visit_program(program);
        survey
    }

    /// Counts calls of `require` as requests for modules, where it is not a function of the source's own; one that `createRequire`
    /// made is as good as Node's.
    pub(super) fn add_requires(&mut self, scoping: &Scoping, is_common_js: bool) {
        let makes_one = self.requests.iter().any(|request| matches!(request.name.as_str(), "module" | "node:module"));
        let requires = std::mem::take(&mut self.requires).into_iter();
        if !is_common_js && !makes_one {
            return;
        }
        let own = |id: ReferenceId| !makes_one && scoping.get_reference(id).symbol_id().is_some();
        let foreign = requires.filter(|(_, reference)| !reference.is_some_and(own));
        self.requests.extend(foreign.map(|(request, _)| request));
    }

    /// The names a `CommonJS` module is seen to export by itself.
    pub(super) fn assigned(&self) -> &[String] {
        &self.assigned
    }

    fn ask(&mut self, name: impl Into<String>, span: Span, by: By) {
        let request = Request { name: name.into(), span, by, is_guarded: self.guards > 0 };
        self.requests.push(request);
    }

    /// Notes what `module.exports` is replaced with, as far as its text tells.
    fn replace_exports(&mut self, value: &Expression<'_>) {
        self.is_common_js = true;
        self.replaces_exports = true;
        match value {
            Expression::ObjectExpression(object) => {
                for property in &object.properties {
                    match property {
                        ObjectPropertyKind::ObjectProperty(property) => {
                            self.assigned.extend(property.key.static_name().map(String::from));
                        }
                        ObjectPropertyKind::SpreadProperty(spread) => self.pass_on(&spread.argument),
                    }
                }
            }
            other => self.pass_on(other),
        }
    }

    fn pass_on(&mut self, value: &Expression<'_>) {
        if let Expression::CallExpression(call) = value
            && let Some(module) = call.common_js_require()
        {
            self.passed_on.push(module.value.to_string());
        }
    }

    /// Whether this name is, or may be, exported in the way of that style.
    pub(super) fn has_export(&self, name: &str, style: HandlerStyle) -> bool {
        match style {
            HandlerStyle::CommonJs => self.replaces_exports || self.assigned.iter().any(|assigned| assigned == name),
            _ => self.passes_exports_on || self.exports.iter().any(|export| export == name),
        }
    }

    /// The exports, for a message.
    pub(super) fn list(&self) -> String {
        let names = if self.exports.is_empty() { &self.assigned } else { &self.exports };
        let default = self.default.map(|_| "default".to_owned());
        let names: Vec<_> = default.iter().chain(names).take(20).cloned().collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    }

    fn declare(&mut self, declaration: &Declaration<'_>) {
        if let Declaration::VariableDeclaration(variables) = declaration {
            let names = variables.declarations.iter().flat_map(|variable| variable.id.get_binding_identifiers());
            self.exports.extend(names.map(|name| name.name.to_string()));
        } else if !declaration.is_typescript_syntax()
            && let Some(name) = declaration.id()
        {
            self.exports.push(name.name.to_string());
        }
    }

    fn export(&mut self, name: &str) {
        if name == "default" {
            self.default = Some(DefaultExport::Other);
        } else {
            self.exports.push(name.to_owned());
        }
    }
}

impl<'a> Visit<'a> for Survey {
    fn visit_import_declaration(&mut self, import: &ImportDeclaration<'a>) {
        self.ask(import.source.value, import.source.span, By::Import);
    }

    fn visit_export_all_declaration(&mut self, export: &ExportAllDeclaration<'a>) {
        self.ask(export.source.value, export.source.span, By::Import);
        match &export.exported {
            Some(name) => self.export(&name.name()),
            None => self.passes_exports_on = true,
        }
    }

    fn visit_import_expression(&mut self, import: &ImportExpression<'a>) {
        let name = match &import.source {
            Expression::StringLiteral(literal) => Some(literal.value.to_string()),
            Expression::TemplateLiteral(template) => template.single_quasi().map(|text| text.to_string()),
            _ => None,
        };
        match name {
            Some(name) => self.ask(name, import.span, By::Import),
            None => self.is_computed = true,
        }
        walk::walk_import_expression(self, import);
    }

    fn visit_export_declaration(&mut self, export: &ExportDeclaration<'a>) {
        self.declare(&export.declaration);
        walk::walk_export_declaration(self, export);
    }

    fn visit_export_named_declaration(&mut self, export: &ExportNamedDeclaration<'a>) {
        if !export.export_kind.is_type() {
            for specifier in &export.specifiers {
                self.export(&specifier.exported.name());
            }
        }
    }

    fn visit_export_from_declaration(&mut self, export: &ExportFromDeclaration<'a>) {
        self.ask(export.source.value, export.source.span, By::Import);
        for specifier in &export.specifiers {
            self.export(&specifier.exported.name());
        }
    }

    fn visit_export_default_declaration(&mut self, export: &ExportDefaultDeclaration<'a>) {
        self.default = match &export.declaration {
            ExportDefaultDeclarationKind::TSInterfaceDeclaration(_) => self.default,
            ExportDefaultDeclarationKind::FunctionDeclaration(_)
            | ExportDefaultDeclarationKind::ArrowFunctionExpression(_)
            | ExportDefaultDeclarationKind::FunctionExpression(_) => Some(DefaultExport::Function),
            _ => Some(DefaultExport::Other),
        };
        walk::walk_export_default_declaration(self, export);
    }

    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        if let Some(member) = call.callee.as_member_expression() {
            self.calls_serve |= member.is_specific_member_access("Deno", "serve");
        }
        if let Expression::Identifier(require) = &call.callee
            && require.name == "require"
        {
            match call.common_js_require() {
                Some(module) => {
                    let (name, is_guarded) = (module.value.to_string(), self.guards > 0);
                    let request = Request { name, span: module.span, by: By::Require, is_guarded };
                    self.requires.push((request, require.reference_id.get()));
                }
                None => self.is_computed = true,
            }
        }
        // `Object.defineProperty(exports, "handler", …)`, `__exportStar(require("./x"), exports)` and the like, which compilers write.
        let argument = |at: usize| call.arguments.get(at).and_then(|argument| argument.as_expression());
        if argument(0).is_some_and(is_exports) {
            self.is_common_js = true;
            self.replaces_exports = true;
            if let Some(Expression::StringLiteral(name)) = argument(1) {
                self.assigned.push(name.value.to_string());
            }
        } else if argument(1).is_some_and(is_exports)
            && let Some(star) = argument(0)
        {
            self.pass_on(star);
        }
        walk::walk_call_expression(self, call);
    }

    fn visit_assignment_expression(&mut self, assignment: &AssignmentExpression<'a>) {
        if let Some(member) = assignment.left.as_member_expression() {
            if is_exports(member.object()) {
                self.is_common_js = true;
                self.assigned.extend(member.static_property_name().map(String::from));
            } else if is_module_exports(member) {
                self.replace_exports(&assignment.right);
            }
        }
        walk::walk_assignment_expression(self, assignment);
    }

    fn visit_try_statement(&mut self, statement: &TryStatement<'a>) {
        self.guards += 1;
        self.visit_block_statement(&statement.block);
        self.guards -= 1;
        if let Some(handler) = &statement.handler {
            self.visit_catch_clause(handler);
        }
        if let Some(finalizer) = &statement.finalizer {
            self.visit_block_statement(finalizer);
        }
    }

    fn visit_decorator(&mut self, decorator: &Decorator<'a>) {
        self.decorators.push(decorator.span);
        walk::walk_decorator(self, decorator);
    }
}

fn is_exports(expression: &Expression<'_>) -> bool {
    expression.is_specific_id("exports") || expression.as_member_expression().is_some_and(is_module_exports)
}

fn is_module_exports(member: &MemberExpression<'_>) -> bool {
    member.is_specific_member_access("module", "exports")
}
