"""The table of contents of writes. One field is one transaction; several fields run one after the other."""

import strawberry

from resolvers import (
    api_key,
    contact,
    contact_import,
    customer,
    customer_import,
    import_mapping,
    invitation,
    organization,
    project,
    requester,
    session,
    upload,
    user,
    workspace,
)
from schema import payloads
from schema.contact import (
    CompleteContactSourceInput,
    ConnectContactSourceInput,
    DisconnectContactSourceInput,
    ImportContactsInput,
    SyncContactSourceInput,
)
from schema.customer import (
    ArchiveCustomersInput,
    CreateCustomerInput,
    CreateCustomersFromRequestersInput,
    MoveCustomersInput,
    RestoreCustomersInput,
    UpdateCustomerInput,
    UpsertCustomersInput,
)
from schema.customer_import import CancelImportInput, ImportFileInput, RetryImportInput, UndoImportInput
from schema.declaring import ANYBODY, SIGNED_IN, mutation
from schema.import_mapping import CreateImportMappingInput, RemoveImportMappingInput, UpdateImportMappingInput
from schema.invitation import (
    AcceptInvitationInput,
    ClearBounceInput,
    ExtendInvitationInput,
    InviteCustomersInput,
    ResendInvitationInput,
    RevokeInvitationInput,
)
from schema.organization import (
    ArchiveOrganizationInput,
    CreateOrganizationInput,
    MoveOrganizationInput,
    RestoreOrganizationInput,
    UpdateOrganizationInput,
)
from schema.project import (
    ArchiveProjectInput,
    CreateProjectInput,
    RestoreProjectInput,
    ShareProjectInput,
    UnshareProjectInput,
    UpdateProjectInput,
)
from schema.upload import RemoveUploadInput, UploadFileInput
from schema.user import InviteUserInput, RemoveUserInput, ResendUserInvitationInput, UpdateUserInput
from schema.viewer import (
    ChangePasswordInput,
    CreateApiKeyInput,
    RequestPasswordResetInput,
    ResetPasswordInput,
    RevokeApiKeyInput,
    SignInInput,
    SignOutInput,
    UpdateWorkspaceInput,
)


@strawberry.type(description="Everything that can be done. What is refused is told in the payload's `errors`.")
class Mutation:
    create_customer: payloads.CreateCustomerPayload = mutation(
        customer.create,
        CreateCustomerInput,
        "Creates a customer. No mail is sent unless `sendInvitation` asks for it.",
        permission="CUSTOMERS_WRITE",
    )
    update_customer: payloads.UpdateCustomerPayload = mutation(
        customer.update, UpdateCustomerInput, "Changes a customer's properties.", permission="CUSTOMERS_WRITE"
    )
    upsert_customers: payloads.UpsertCustomersPayload = mutation(
        customer.upsert,
        UpsertCustomersInput,
        "Creates customers or, where they exist, updates them; answers each item. At most 1,000 at once.",
        permission="CUSTOMERS_WRITE",
    )
    move_customers: payloads.MoveCustomersPayload = mutation(
        customer.move,
        MoveCustomersInput,
        "Moves customers into an organization, or out of any. A dry run answers what access is gained and lost.",
        permission="CUSTOMERS_WRITE",
    )
    archive_customers: payloads.ArchiveCustomersPayload = mutation(
        customer.archive,
        ArchiveCustomersInput,
        "Archives customers: they leave lists and counts, and their addresses are free again.",
        permission="CUSTOMERS_WRITE",
    )
    restore_customers: payloads.RestoreCustomersPayload = mutation(
        customer.restore,
        RestoreCustomersInput,
        "Brings customers back from the archive; refused where the address was taken meanwhile.",
        permission="CUSTOMERS_WRITE",
    )
    create_customers_from_requesters: payloads.CreateCustomersFromRequestersPayload = mutation(
        requester.create_customers,
        CreateCustomersFromRequestersInput,
        "Makes customers of those who requested tickets and are none yet, and gives them their tickets. At most 1,000 at once.",
        permission="CUSTOMERS_WRITE",
    )
    create_organization: payloads.CreateOrganizationPayload = mutation(
        organization.create, CreateOrganizationInput, "Creates an organization.", permission="ORGANIZATIONS_WRITE"
    )
    update_organization: payloads.UpdateOrganizationPayload = mutation(
        organization.update,
        UpdateOrganizationInput,
        "Changes an organization's properties.",
        permission="ORGANIZATIONS_WRITE",
    )
    move_organization: payloads.MoveOrganizationPayload = mutation(
        organization.move,
        MoveOrganizationInput,
        "Moves an organization with all that is below it. Never under itself.",
        permission="ORGANIZATIONS_WRITE",
    )
    archive_organization: payloads.ArchiveOrganizationPayload = mutation(
        organization.archive,
        ArchiveOrganizationInput,
        "Archives an organization; refused while it holds others unless `contents` says what to do with them.",
        permission="ORGANIZATIONS_WRITE",
    )
    restore_organization: payloads.RestoreOrganizationPayload = mutation(
        organization.restore,
        RestoreOrganizationInput,
        "Brings back an organization and everything that was archived with it.",
        permission="ORGANIZATIONS_WRITE",
    )
    create_project: payloads.CreateProjectPayload = mutation(
        project.create, CreateProjectInput, "Creates a project, shared with nobody.", permission="PROJECTS_WRITE"
    )
    update_project: payloads.UpdateProjectPayload = mutation(
        project.update, UpdateProjectInput, "Changes a project's properties.", permission="PROJECTS_WRITE"
    )
    share_project: payloads.ShareProjectPayload = mutation(
        project.share,
        ShareProjectInput,
        "Shares a project with customers and with organizations.",
        permission="PROJECTS_WRITE",
    )
    unshare_project: payloads.UnshareProjectPayload = mutation(
        project.unshare, UnshareProjectInput, "Takes back shares of a project.", permission="PROJECTS_WRITE"
    )
    archive_project: payloads.ArchiveProjectPayload = mutation(
        project.archive,
        ArchiveProjectInput,
        "Archives a project; nobody sees it any more.",
        permission="PROJECTS_WRITE",
    )
    restore_project: payloads.RestoreProjectPayload = mutation(
        project.restore, RestoreProjectInput, "Brings a project back, with its shares.", permission="PROJECTS_WRITE"
    )
    invite_customers: payloads.InviteCustomersPayload = mutation(
        invitation.invite,
        InviteCustomersInput,
        "Invites customers by mail to join and set a password; who is invited already is sent a new link.",
        permission="INVITATIONS_WRITE",
    )
    resend_invitation: payloads.ResendInvitationPayload = mutation(
        invitation.resend,
        ResendInvitationInput,
        "Sends an invitation again with a new link and a new term; the link before ends.",
        permission="INVITATIONS_WRITE",
    )
    extend_invitation: payloads.ExtendInvitationPayload = mutation(
        invitation.extend, ExtendInvitationInput, "Sets when an invitation expires.", permission="INVITATIONS_WRITE"
    )
    revoke_invitation: payloads.RevokeInvitationPayload = mutation(
        invitation.revoke, RevokeInvitationInput, "Takes an invitation back.", permission="INVITATIONS_WRITE"
    )
    clear_bounce: payloads.ClearBouncePayload = mutation(
        invitation.clear_bounce,
        ClearBounceInput,
        "Lets mails go again to a customer whose address refused one; sends none by itself.",
        permission="INVITATIONS_WRITE",
    )
    accept_invitation: payloads.AcceptInvitationPayload = mutation(
        invitation.accept,
        AcceptInvitationInput,
        "Accepts an invitation by its link's token: sets the password and signs in. A link works once.",
        permission=ANYBODY,
    )
    sign_in: payloads.SignInPayload = mutation(
        session.sign_in,
        SignInInput,
        "Signs a user or a customer in; answers a session's token, or keeps the session by a cookie.",
        permission=ANYBODY,
    )
    sign_out: payloads.SignOutPayload = mutation(
        session.sign_out,
        SignOutInput,
        "Ends the session in use, with its cookie, or all of the viewer's.",
        permission=SIGNED_IN,
    )
    change_password: payloads.ChangePasswordPayload = mutation(
        session.change_password,
        ChangePasswordInput,
        "Changes one's own password; all other sessions end.",
        permission=SIGNED_IN,
    )
    request_password_reset: payloads.RequestPasswordResetPayload = mutation(
        session.request_password_reset,
        RequestPasswordResetInput,
        "Sends a link by which a new password can be set, to who has one; answers the same to everybody.",
        permission=ANYBODY,
    )
    reset_password: payloads.ResetPasswordPayload = mutation(
        session.reset_password,
        ResetPasswordInput,
        "Sets a new password by a link's token and signs in; all sessions before end. A link works once.",
        permission=ANYBODY,
    )
    invite_user: payloads.InviteUserPayload = mutation(
        user.invite,
        InviteUserInput,
        "Adds a user and sends the mail by which one sets a password.",
        permission="USERS_WRITE",
    )
    resend_user_invitation: payloads.ResendUserInvitationPayload = mutation(
        user.invite_again,
        ResendUserInvitationInput,
        "Sends a user who has not joined a new link; the one before ends.",
        permission="USERS_WRITE",
    )
    update_user: payloads.UpdateUserPayload = mutation(
        user.update, UpdateUserInput, "Changes a user's name or role.", permission="USERS_WRITE"
    )
    remove_user: payloads.RemoveUserPayload = mutation(
        user.remove,
        RemoveUserInput,
        "Removes a user. The last owner who has joined cannot be removed.",
        permission="USERS_WRITE",
    )
    update_workspace: payloads.UpdateWorkspacePayload = mutation(
        workspace.update,
        UpdateWorkspaceInput,
        "Changes the workspace's name and how its mails look.",
        permission="SETTINGS_WRITE",
    )
    create_api_key: payloads.CreateApiKeyPayload = mutation(
        api_key.create,
        CreateApiKeyInput,
        "Creates an API key and shows it once.",
        permission="KEYS_WRITE",
        holds_secret=True,
    )
    revoke_api_key: payloads.RevokeApiKeyPayload = mutation(
        api_key.revoke, RevokeApiKeyInput, "Revokes an API key; it ends at the next request.", permission="KEYS_WRITE"
    )
    upload_file: payloads.UploadFilePayload = mutation(
        upload.upload_file,
        UploadFileInput,
        "Keeps a small file that comes with the request, to be imported; the same as `POST /uploads`, which takes large ones.",
        permission="IMPORTS_WRITE",
    )
    remove_upload: payloads.RemoveUploadPayload = mutation(
        upload.remove_upload,
        RemoveUploadInput,
        "Removes an uploaded file, which makes room for others; imports of it stay, without the file of their refused rows.",
        permission="IMPORTS_WRITE",
    )
    import_customers: payloads.ImportCustomersPayload = mutation(
        customer_import.import_customers,
        ImportFileInput,
        "Reads an uploaded file into customers, as a job; ask `import(id:)` how far it is. `search` finds new ones within "
        "the next 10,000 rows, at the latest right after its end.",
        permission="IMPORTS_WRITE",
    )
    import_organizations: payloads.ImportOrganizationsPayload = mutation(
        customer_import.import_organizations,
        ImportFileInput,
        "Reads an uploaded file into organizations, as a job.",
        permission="IMPORTS_WRITE",
    )
    import_tickets: payloads.ImportTicketsPayload = mutation(
        customer_import.import_tickets,
        ImportFileInput,
        "Reads an uploaded file into tickets, as a job; each finds its requester by address, now or later.",
        permission="IMPORTS_WRITE",
    )
    cancel_import: payloads.CancelImportPayload = mutation(
        customer_import.cancel, CancelImportInput, "Stops an import within one chunk.", permission="IMPORTS_WRITE"
    )
    retry_import: payloads.RetryImportPayload = mutation(
        customer_import.retry,
        RetryImportInput,
        "Reads the corrected file of refused rows as the first one was read; without a file, goes on where an import stopped.",
        permission="IMPORTS_WRITE",
    )
    undo_import: payloads.UndoImportPayload = mutation(
        customer_import.undo,
        UndoImportInput,
        "Undoes an import that ended, as a job: archives what it created and restores what it changed, value by value.",
        permission="IMPORTS_WRITE",
    )
    create_import_mapping: payloads.CreateImportMappingPayload = mutation(
        import_mapping.create,
        CreateImportMappingInput,
        "Saves a mapping under a name. Previews offer it for files with the same header; `mappingId` imports by it.",
        permission="IMPORTS_WRITE",
    )
    update_import_mapping: payloads.UpdateImportMappingPayload = mutation(
        import_mapping.update,
        UpdateImportMappingInput,
        "Renames a saved mapping, or changes what it reads.",
        permission="IMPORTS_WRITE",
    )
    remove_import_mapping: payloads.RemoveImportMappingPayload = mutation(
        import_mapping.remove,
        RemoveImportMappingInput,
        "Forgets a saved mapping; imports that used it stay as they are.",
        permission="IMPORTS_WRITE",
    )
    connect_contact_source: payloads.ConnectContactSourcePayload = mutation(
        contact.connect,
        ConnectContactSourceInput,
        "Connects an address book of the user who asks: answers where to send the browser. API keys are refused.",
        permission="IMPORTS_WRITE",
        holds_secret=True,
    )
    complete_contact_source: payloads.CompleteContactSourcePayload = mutation(
        contact.complete,
        CompleteContactSourceInput,
        "Takes what the provider answered, from front ends that the browser came back to; begins to fetch.",
        permission="IMPORTS_WRITE",
    )
    sync_contact_source: payloads.SyncContactSourcePayload = mutation(
        contact.sync, SyncContactSourceInput, "Fetches an address book again, as a job.", permission="IMPORTS_WRITE"
    )
    disconnect_contact_source: payloads.DisconnectContactSourcePayload = mutation(
        contact.disconnect,
        DisconnectContactSourceInput,
        "Takes the consent back at the provider, and forgets the address book with its contacts.",
        permission="IMPORTS_WRITE",
    )
    import_contacts: payloads.ImportContactsPayload = mutation(
        contact_import.import_contacts,
        ImportContactsInput,
        "Reads chosen contacts into customers, as an import with a report: `contacts.csv` in its `upload` has a row for each.",
        permission="IMPORTS_WRITE",
    )
