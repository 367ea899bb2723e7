import { existsSync, readdirSync, statSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type MarkdownRenderer } from "vitepress";

const REPOSITORY = "https://github.com/git-vault/git-vault";

const commands = readdirSync(new URL("../reference/commands", import.meta.url))
  .filter((name) => name !== "index.md")
  .map((name) => name.replace(".md", ""))
  .map((name) => ({ text: `vault ${name.replace(/^deploy-/, "deploy ")}`, link: `/reference/commands/${name}` }));

/**
 * Pages link to each other and to files of the repository by relative paths, as code hosts show
 * them. What is no page of the site leads to the code host.
 */
function linkOutside(md: MarkdownRenderer): void {
  md.core.ruler.push("link-outside", ({ tokens, env }) => {
    const from = posix.dirname((env as { relativePath?: string }).relativePath ?? "");
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === "link_open" ? (token.attrGet("href") ?? "") : "";
      if (href === "" || /^(?:[a-z]+:|#|\/)/.test(href)) continue;
      const path = posix.normalize(posix.join("docs", from, href.replace(/#.*/, "")));
      const file = fileURLToPath(new URL(`../../${path}`, import.meta.url));
      if (path.startsWith("docs/") && !path.startsWith("docs/example") && path.endsWith(".md")) continue;
      if (!existsSync(file)) continue; // a dead link, which ends the build
      token.attrSet("href", `${REPOSITORY}/${statSync(file).isDirectory() ? "tree" : "blob"}/main/${path}`);
    }
  });
}

/**
 * typedoc numbers headings of one name in its own way, and writes an anchor above each one that it
 * links to: the heading takes that name, which no other heading has.
 */
function nameHeadings(md: MarkdownRenderer): void {
  md.core.ruler.before("anchor", "name-headings", (state) => {
    const { tokens } = state;
    for (const [at, { type, content }] of tokens.entries()) {
      const id = type === "inline" ? /^<a id="([\w-]+)"><\/a>$/.exec(content)?.[1] : undefined;
      const heading = tokens[at + 2];
      if (id === undefined || heading?.type !== "heading_open") continue;
      heading.attrSet("id", id);
      for (const token of tokens.slice(at - 1, at + 2)) token.hidden = true;
      Object.assign(tokens[at] ?? {}, { content: "", children: [] });
    }
  });
}

/** The pages of a package are called by its name, and not by its folder. */
function namePackages(md: MarkdownRenderer): void {
  md.core.ruler.before("anchor", "name-packages", ({ tokens, env }) => {
    if ((env as { relativePath?: string }).relativePath?.startsWith("libraries/api/") !== true) return;
    for (const { children } of tokens.slice(0, 3))
      for (const token of children ?? [])
        token.content = token.content.replace(/^([\w-]+)\/src(\/[\w-]+)?$/, "@git-vault/$1$2");
  });
}

/** An indented block gets the box, the colours and the button to copy that a fenced one has. */
function boxCommands(md: MarkdownRenderer): void {
  md.core.ruler.push("box-commands", ({ tokens }) => {
    for (const token of tokens) {
      if (token.type !== "code_block") continue;
      const isCommand =
        /^(?:\$ )?(?:vault|git|git-vault|git-crypt|age|gpg|ssh-\w+|npm|pnpm|sed|export|kubectl|cd|cat)\b/m;
      Object.assign(token, {
        type: "fence",
        tag: "code",
        markup: "```",
        info: isCommand.test(token.content) ? "sh" : "text",
      });
    }
  });
}

/** What stands in code is no expression of Vue's. */
function keepCode(md: MarkdownRenderer): void {
  const { code_inline: render } = md.renderer.rules;
  if (render === undefined) return;
  md.renderer.rules.code_inline = (...words) => render(...words).replace("<code", "<code v-pre");
}

const api = (text: string, page: string): object => ({ text, link: `/libraries/api/${page}` });

export default defineConfig({
  title: "git-vault",
  description: "Hand a repository's secrets to the right people, and deploy from them",
  lang: "en",
  // Works from any folder of a server, and from a web server's plain files.
  cleanUrls: false,
  srcExclude: ["example/**", "scripts/**"],
  markdown: {
    config: (md) => {
      linkOutside(md);
      nameHeadings(md);
      namePackages(md);
      boxCommands(md);
      keepCode(md);
    },
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
  },
  themeConfig: {
    // Said to screen readers as it is shown.
    notFound: { linkLabel: "Take me home" },
    search: {
      provider: "local",
      options: {
        miniSearch: {
          searchOptions: {
            // It runs in the browser, from its own text. Pages for a task and the reference stand
            // above pages that mention the words, and the libraries below.
            boostDocument: (id: string) => {
              if (/^\/(?:start|how-to)\/|^\/(?:page|ssh-vault|with-git-crypt|without-a-forge)\.html/.test(id)) return 3;
              return id.startsWith("/reference/") ? 2.5 : id.startsWith("/libraries/api/") ? 0.3 : 1;
            },
          },
        },
      },
    },
    outline: [2, 3],
    nav: [
      { text: "Start", link: "/start/share-a-key", activeMatch: "^/start/" },
      { text: "How to", link: "/how-to/add-a-colleague", activeMatch: "^/how-to/" },
      { text: "Reference", link: "/reference/commands/", activeMatch: "^/(?:reference|guide|deploy)" },
      { text: "Libraries", link: "/sealing", activeMatch: "^/(?:sealing|libraries)" },
      { text: "Why", link: "/why/decisions", activeMatch: "^/(?:why|threat-model|architecture)" },
    ],
    sidebar: [
      {
        text: "Start",
        items: [
          { text: "Install", link: "/start/install" },
          { text: "Share a key in five minutes", link: "/start/share-a-key" },
          { text: "Encrypt a repository", link: "/start/encrypt-a-repository" },
          { text: "Deploy from one", link: "/start/deploy" },
        ],
      },
      {
        text: "How to",
        items: [
          { text: "Add a colleague", link: "/how-to/add-a-colleague" },
          { text: "Someone left", link: "/how-to/someone-left" },
          { text: "A laptop was lost or stolen", link: "/how-to/lost-laptop" },
          { text: "Replace the key", link: "/how-to/rotate" },
          { text: "Protected main, with pull requests", link: "/how-to/protected-main" },
          { text: "A second environment with its own key", link: "/how-to/second-key" },
          { text: "See who has the key", link: "/how-to/who-has-the-key" },
          { text: "Open a message without vault", link: "/how-to/open-without-vault" },
          { text: "Mend a clone", link: "/how-to/mend-a-clone" },
          { text: "Add or change a secret", link: "/how-to/change-a-secret" },
          { text: "CI on GitHub", link: "/how-to/ci-github" },
          { text: "CI on GitLab", link: "/how-to/ci-gitlab" },
          { text: "CI on Forgejo and Codeberg", link: "/how-to/ci-forgejo" },
          { text: "Raise chart versions with Renovate", link: "/how-to/renovate" },
          { text: "From git-crypt with GPG", link: "/how-to/from-git-crypt" },
          { text: "Seal in the browser", link: "/page" },
          { text: "From ssh-vault", link: "/ssh-vault" },
          { text: "From sops or helm-secrets", link: "/how-to/from-sops" },
          { text: "From a deploy script", link: "/how-to/from-deploy-py" },
          { text: "With colleagues who use git-crypt", link: "/with-git-crypt" },
          { text: "Members without an account", link: "/without-a-forge" },
        ],
      },
      {
        text: "Reference",
        items: [
          { text: "Commands", link: "/reference/commands/", collapsed: true, items: commands },
          {
            text: "Guide",
            link: "/guide",
            collapsed: true,
            items: [
              { text: "Messages", link: "/guide/messages" },
              { text: "Signed messages", link: "/guide/signatures" },
              { text: "Private keys and plugins", link: "/guide/private-keys" },
              { text: "Encrypted repositories", link: "/guide/repository" },
              { text: "A team", link: "/guide/team" },
              { text: "Replace the key", link: "/guide/rotation" },
            ],
          },
          {
            text: "Deploying",
            link: "/deploy",
            collapsed: true,
            items: [
              { text: "Layout and deploy.yaml", link: "/deploy/layout" },
              { text: "Keys and sops", link: "/deploy/keys" },
              { text: "What a commit decides", link: "/deploy/trust" },
              { text: "Values, charts and Helm", link: "/deploy/values" },
              { text: "Clusters and rights", link: "/deploy/cluster" },
              { text: "Plans and drift", link: "/deploy/plan" },
              { text: "Deploy and roll back", link: "/deploy/apply" },
              { text: "Look after what runs", link: "/deploy/look-after" },
              { text: "In CI", link: "/deploy/ci" },
              { text: "Write a check", link: "/deploy/checks" },
            ],
          },
          { text: "deploy.yaml", link: "/reference/deploy-yaml" },
          { text: "Checks of deployments", link: "/checks" },
          { text: "What vault status finds", link: "/status" },
          { text: "Recipients", link: "/reference/recipients" },
          { text: "Exit codes", link: "/reference/exit-codes" },
          { text: "Error codes", link: "/reference/errors" },
          { text: "JSON", link: "/reference/json" },
          { text: "Environment variables", link: "/reference/environment" },
          { text: "On a terminal", link: "/terminal" },
          { text: "Formats", link: "/formats" },
        ],
      },
      {
        text: "Libraries",
        items: [
          { text: "Sealing, by example", link: "/sealing" },
          api("sealing", "sealing/src"),
          api("keys", "keys/src"),
          api("directory", "directory/src"),
          api("git-crypt", "git-crypt/src"),
          api("members", "members/src"),
          api("sharing", "sharing/src"),
          {
            ...api("deploy", "deploy/src"),
            collapsed: true,
            items: ["checks", "ci", "findings", "init", "nodes", "releases", "rollout", "values", "verify"].map(
              (name) => api(`deploy/${name}`, `deploy/src/${name}`),
            ),
          },
        ],
      },
      {
        text: "Why",
        items: [
          { text: "Decisions", link: "/why/decisions" },
          {
            text: "Threat model",
            link: "/threat-model",
            collapsed: true,
            items: [
              { text: "Who has the keys", link: "/threat-model/members" },
              { text: "What git encrypts", link: "/threat-model/attributes" },
              { text: "Deploying", link: "/threat-model/deploying" },
            ],
          },
          { text: "Comparison", link: "/why/comparison" },
          { text: "When a deployment fails", link: "/why/failures" },
          { text: "Architecture", link: "/architecture" },
          { text: "Releasing", link: "/releasing" },
          { text: "Dependencies", link: "/dependencies" },
        ],
      },
    ],
  },
});
