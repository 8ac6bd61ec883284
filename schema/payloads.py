"""What mutations answer: what changed, and what was refused."""

from enum import Enum

import strawberry

from schema.connection import After, Before, Connection, First, Last
from schema.contact import ContactProvider, ContactSource
from schema.customer import Customer
from schema.customer_import import Import
from schema.errors import UserError
from schema.import_mapping import ImportMapping
from schema.invitation import Invitation
from schema.organization import Organization
from schema.project import Project
from schema.upload import UploadedFile
from schema.user import User
from schema.viewer import ApiKey, Viewer, Workspace

ERRORS = "What was refused; empty if all went well. At most 1,000."


@strawberry.interface(description="What every mutation answers.")
class Payload:
    errors: list[UserError] = strawberry.field(description=ERRORS)


@strawberry.enum(description="What a bulk call did to one record.")
class Outcome(Enum):
    CREATED = strawberry.enum_value("CREATED", description="It was made.")
    UPDATED = strawberry.enum_value("UPDATED", description="It was changed.")
    UNCHANGED = strawberry.enum_value("UNCHANGED", description="It already was so; nothing was written.")
    REFUSED = strawberry.enum_value("REFUSED", description="It was refused; `errors` says why.")
    NOT_DONE = strawberry.enum_value("NOT_DONE", description="Another item was refused and the policy is REJECT_ALL.")


@strawberry.type(description="What a bulk call did to one customer. Results come in the order of the input.")
class CustomerResult:
    outcome: Outcome = strawberry.field(description="What was done.")
    customer: Customer | None = strawberry.field(description="The customer; null if refused.")
    errors: list[UserError] = strawberry.field(description="Why this one was refused; at most 20.")


@strawberry.type(description="A project and how many customers it is about.")
class ProjectCount:
    project: Project = strawberry.field(description="The project.")
    customer_count: int = strawberry.field(description="How many customers.")


@strawberry.type(description="Which projects come into or go out of the customers' sight by a move.")
class AccessChange:
    gained: list[ProjectCount] = strawberry.field(
        description="Projects that customers will see and did not; at most 1,000."
    )
    lost: list[ProjectCount] = strawberry.field(description="Projects that customers saw and will not; at most 1,000.")


@strawberry.type(description="The answer of `createCustomer`.")
class CreateCustomerPayload(Payload):
    customer: Customer | None = strawberry.field(description="The new customer; null if refused.")


@strawberry.type(description="The answer of `updateCustomer`.")
class UpdateCustomerPayload(Payload):
    customer: Customer | None = strawberry.field(description="The customer as it is now; null if refused.")


@strawberry.type(description="The answer of bulk calls about customers.")
class BulkCustomersPayload(Payload):
    count: int = strawberry.field(description="How many customers were created or changed.")
    results: list[CustomerResult] = strawberry.field(
        description="One for each item, in the order of the input; empty when a filter was given. At most 1,000."
    )


@strawberry.type(description="The answer of `upsertCustomers`.")
class UpsertCustomersPayload(BulkCustomersPayload): ...


@strawberry.type(description="The answer of `moveCustomers`.")
class MoveCustomersPayload(BulkCustomersPayload):
    access: AccessChange | None = strawberry.field(
        description="Which projects are gained and lost; answered by a dry run, otherwise null."
    )

    @strawberry.field(description="The customers that were moved, by name.")
    def customers(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Customer]: ...


@strawberry.type(description="The answer of `archiveCustomers`.")
class ArchiveCustomersPayload(BulkCustomersPayload): ...


@strawberry.type(description="The answer of `restoreCustomers`.")
class RestoreCustomersPayload(BulkCustomersPayload): ...


@strawberry.type(
    description="The answer of `createCustomersFromRequesters`: a result for each address given or, for `all`, in their order."
)
class CreateCustomersFromRequestersPayload(BulkCustomersPayload): ...


@strawberry.type(description="The answer of `inviteCustomers`.")
class InviteCustomersPayload(BulkCustomersPayload): ...


@strawberry.type(description="The answer of mutations of one organization.")
class OrganizationPayload(Payload):
    organization: Organization | None = strawberry.field(description="The organization as it is now; null if refused.")


@strawberry.type(description="The answer of `createOrganization`.")
class CreateOrganizationPayload(OrganizationPayload): ...


@strawberry.type(description="The answer of `updateOrganization`.")
class UpdateOrganizationPayload(OrganizationPayload): ...


@strawberry.type(description="The answer of `moveOrganization`.")
class MoveOrganizationPayload(OrganizationPayload):
    access: AccessChange | None = strawberry.field(
        description="Which projects are gained and lost; answered by a dry run, otherwise null."
    )


@strawberry.type(description="The answer of `archiveOrganization`.")
class ArchiveOrganizationPayload(OrganizationPayload):
    count: int = strawberry.field(description="How many records were archived or moved up.")


@strawberry.type(description="The answer of `restoreOrganization`.")
class RestoreOrganizationPayload(OrganizationPayload):
    count: int = strawberry.field(description="How many records came back.")


@strawberry.type(description="The answer of mutations of one project.")
class ProjectPayload(Payload):
    project: Project | None = strawberry.field(description="The project as it is now; null if refused.")


@strawberry.type(description="The answer of `createProject`.")
class CreateProjectPayload(ProjectPayload): ...


@strawberry.type(description="The answer of `updateProject`.")
class UpdateProjectPayload(ProjectPayload): ...


@strawberry.type(description="The answer of `shareProject`.")
class ShareProjectPayload(ProjectPayload):
    count: int = strawberry.field(description="How many shares are new.")


@strawberry.type(description="The answer of `unshareProject`.")
class UnshareProjectPayload(ProjectPayload):
    count: int = strawberry.field(description="How many shares ended.")


@strawberry.type(description="The answer of `archiveProject`.")
class ArchiveProjectPayload(ProjectPayload): ...


@strawberry.type(description="The answer of `restoreProject`.")
class RestoreProjectPayload(ProjectPayload): ...


@strawberry.type(description="The answer of mutations of one invitation.")
class InvitationPayload(Payload):
    invitation: Invitation | None = strawberry.field(description="The invitation as it is now; null if refused.")


@strawberry.type(description="The answer of `resendInvitation`.")
class ResendInvitationPayload(InvitationPayload): ...


@strawberry.type(description="The answer of `extendInvitation`.")
class ExtendInvitationPayload(InvitationPayload): ...


@strawberry.type(description="The answer of `revokeInvitation`.")
class RevokeInvitationPayload(InvitationPayload): ...


@strawberry.type(description="The answer of `clearBounce`.")
class ClearBouncePayload(InvitationPayload): ...


@strawberry.type(description="The answer of `updateWorkspace`.")
class UpdateWorkspacePayload(Payload):
    workspace: Workspace | None = strawberry.field(description="The workspace as it is now; null if refused.")


@strawberry.type(description="The answer of mutations of one user.")
class UserPayload(Payload):
    user: User | None = strawberry.field(description="The user as it is now; null if refused.")


@strawberry.type(description="The answer of `inviteUser`.")
class InviteUserPayload(UserPayload): ...


@strawberry.type(description="The answer of `resendUserInvitation`.")
class ResendUserInvitationPayload(UserPayload): ...


@strawberry.type(description="The answer of `updateUser`.")
class UpdateUserPayload(UserPayload): ...


@strawberry.type(description="The answer of `removeUser`.")
class RemoveUserPayload(UserPayload): ...


@strawberry.type(description="The answer of `acceptInvitation`.")
class AcceptInvitationPayload(Payload):
    customer: Customer | None = strawberry.field(description="The customer who joined; null if refused.")
    token: str | None = strawberry.field(
        description="The session's token, for `Authorization: Bearer`, shown once; null if refused or kept by a cookie."
    )


@strawberry.type(description="The answer of `signIn`.")
class SignInPayload(Payload):
    viewer: Viewer | None = strawberry.field(description="Who signed in; null if refused.")
    token: str | None = strawberry.field(
        description="The session's token, for `Authorization: Bearer`, shown once; null if refused or kept by a cookie."
    )


@strawberry.type(description="The answer of `signOut`.")
class SignOutPayload(Payload):
    signed_out: bool = strawberry.field(description="Whether a session ended.")


@strawberry.type(description="The answer of `changePassword`.")
class ChangePasswordPayload(Payload):
    viewer: Viewer | None = strawberry.field(description="Who changed the password; null if refused.")


@strawberry.type(description="The answer of `requestPasswordReset`: the same whether or not the address is known.")
class RequestPasswordResetPayload(Payload): ...


@strawberry.type(description="The answer of `resetPassword`.")
class ResetPasswordPayload(SignInPayload): ...


@strawberry.type(description="The answer of `createApiKey`.")
class CreateApiKeyPayload(Payload):
    api_key: ApiKey | None = strawberry.field(description="The new key's record; null if refused.")
    key: str | None = strawberry.field(description="The key itself. It is shown this once and kept nowhere.")


@strawberry.type(description="The answer of `revokeApiKey`.")
class RevokeApiKeyPayload(Payload):
    api_key: ApiKey | None = strawberry.field(description="The key as it is now; null if refused.")


@strawberry.type(description="The answer of mutations of one import.")
class ImportPayload(Payload):
    import_: Import | None = strawberry.field(name="import", description="The import as it is now; null if refused.")


@strawberry.type(description="The answer of `importCustomers`.")
class ImportCustomersPayload(ImportPayload): ...


@strawberry.type(description="The answer of `importOrganizations`.")
class ImportOrganizationsPayload(ImportPayload): ...


@strawberry.type(description="The answer of `importTickets`.")
class ImportTicketsPayload(ImportPayload): ...


@strawberry.type(description="The answer of `cancelImport`.")
class CancelImportPayload(ImportPayload): ...


@strawberry.type(description="The answer of mutations of one address book.")
class ContactSourcePayload(Payload):
    contact_source: ContactSource | None = strawberry.field(
        description="The address book as it is now; null if refused."
    )


@strawberry.type(description="The answer of `connectContactSource`.")
class ConnectContactSourcePayload(ContactSourcePayload):
    authorization_url: str | None = strawberry.field(
        description="Where to send the browser, for the user to give consent; null where none is needed, or if refused."
    )


@strawberry.type(description="The answer of `completeContactSource`.")
class CompleteContactSourcePayload(ContactSourcePayload): ...


@strawberry.type(description="The answer of `syncContactSource`.")
class SyncContactSourcePayload(ContactSourcePayload): ...


@strawberry.type(description="The answer of `disconnectContactSource`.")
class DisconnectContactSourcePayload(Payload):
    provider: ContactProvider | None = strawberry.field(description="Whose address book it was; null if refused.")
    revoked: bool = strawberry.field(
        description="Whether the provider took the consent back. What was fetched, and what let the server in, is forgotten anyhow."
    )
    consents_url: str | None = strawberry.field(
        description="Where the user can take the consent back, where the provider did not; null if there is nothing to do."
    )


@strawberry.type(description="The answer of `importContacts`.")
class ImportContactsPayload(ImportPayload): ...


@strawberry.type(description="The answer of `uploadFile`.")
class UploadFilePayload(Payload):
    uploaded_file: UploadedFile | None = strawberry.field(description="The file as it is kept; null if refused.")


@strawberry.type(description="The answer of mutations of one saved mapping.")
class ImportMappingPayload(Payload):
    import_mapping: ImportMapping | None = strawberry.field(description="The mapping as it is now; null if refused.")


@strawberry.type(description="The answer of `createImportMapping`.")
class CreateImportMappingPayload(ImportMappingPayload): ...


@strawberry.type(description="The answer of `updateImportMapping`.")
class UpdateImportMappingPayload(ImportMappingPayload): ...


@strawberry.type(description="The answer of `removeImportMapping`.")
class RemoveImportMappingPayload(Payload):
    removed_id: strawberry.ID | None = strawberry.field(description="The id of what was forgotten; null if refused.")


@strawberry.type(description="The answer of `removeUpload`.")
class RemoveUploadPayload(Payload):
    removed_id: strawberry.ID | None = strawberry.field(description="The id of what was removed; null if refused.")


@strawberry.type(description="The answer of `undoImport`.")
class UndoImportPayload(ImportPayload): ...


@strawberry.type(description="The answer of `retryImport`.")
class RetryImportPayload(ImportPayload): ...
