import theme from "vitepress/theme";
// oxlint-disable-next-line import/no-unassigned-import -- VitePress collects styles so
import "./style.css";

export default theme;
