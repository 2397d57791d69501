/**
 * What the decorators of `@peculiar/x509` need before it is loaded. A module of our own, as a bundle runs those in the order in
 * which they are imported; a package that is no module runs only after them.
 */
import 'reflect-metadata';
